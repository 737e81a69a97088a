"""The real encoder and a picture, as for droplets/sam."""

from __future__ import annotations

from tests.droplets.sam.conftest import picture, sam

__all__ = ["picture", "sam"]
