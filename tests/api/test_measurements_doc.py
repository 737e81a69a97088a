"""docs/measurements.md defines every figure of the answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.schemas import MaskInfo, SummaryStatistics
from api.schemas_advanced import Clusters, Contents, Encapsulation, Neighbours

TEXT = (Path(__file__).parents[2] / "docs" / "measurements.md").read_text()
NO_FIGURES = {"id", "segmentation", "size", "image", "polygons"}


@pytest.mark.parametrize(
    "schema", [MaskInfo, SummaryStatistics, Clusters, Contents, Encapsulation, Neighbours]
)
def test_every_figure_is_defined(schema):
    described = schema.model_json_schema()
    parts = [described, *described.get("$defs", {}).values()]
    figures = {name for part in parts for name in part["properties"]} - NO_FIGURES
    assert {name for name in figures if f"`{name}`" not in TEXT} == set()
