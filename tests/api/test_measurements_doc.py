"""In docs/labs, measurements.md defines every figure of the answers, api.md names every option and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.schemas.advanced import AdvancedAnalysis, Clusters, Contents, Encapsulation, Neighbours
from api.schemas.options import Options
from api.schemas.segmentation import MaskInfo, SummaryStatistics
from droplets.objects.filters import AutomaticFilters, Filters

DOCS = Path(__file__).parents[2] / "docs" / "labs"
TEXT = (DOCS / "measurements.md").read_text()
NO_FIGURES = {"id", "segmentation", "size", "image", "polygons"}


@pytest.mark.parametrize(
    "schema", [MaskInfo, SummaryStatistics, Clusters, Contents, Encapsulation, Neighbours]
)
def test_every_figure_is_defined(schema):
    described = schema.model_json_schema()
    parts = [described, *described.get("$defs", {}).values()]
    figures = {name for part in parts for name in part["properties"]} - NO_FIGURES
    assert {name for name in figures if f"`{name}`" not in TEXT} == set()


@pytest.mark.parametrize("group", [Options, AutomaticFilters, Filters, MaskInfo, AdvancedAnalysis])
def test_every_name_stands_in_the_interface(group):
    interface = (DOCS / "api.md").read_text()
    names = set(group.model_fields) - {"id", "success", "request_id"}
    assert {name for name in names if f"`{name}`" not in interface} == set()
