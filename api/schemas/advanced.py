"""The answer of /advanced_analysis, as a schema."""

from __future__ import annotations

from pydantic import Field

from api.schemas.segmentation import Answer, Segmentation, Spread
from droplets.types import Kind


class Cluster(Answer):
    """Droplets of like size and intensity."""

    id: int
    droplets: int
    fraction: float
    diameter_mean: float
    diameter_std: float
    intensity_mean: float
    intensity_std: float


class Clusters(Answer):
    """Gaussian mixture over equivalent diameter and mean intensity."""

    clusters: list[Cluster]
    labels: list[int | None] = Field(description="a cluster's id for each of `masks`")
    icl: list[float] = Field(description="of 1, 2, ... clusters; the least is best")


class Child(Answer):
    """An object within a droplet."""

    id: int
    kind: Kind
    equivalent_diameter: float
    mean_intensity: float
    max_intensity: float
    integrated_intensity: float


class Contents(Answer):
    """What lies within one droplet."""

    id: int
    beads: int
    children: list[Child]


class GoodnessOfFit(Answer):
    """Chi-square test of the beads per droplet against Poisson."""

    chi_square: float | None
    degrees_of_freedom: int | None
    p: float | None
    reason: str | None = Field(description="why there is no test")


class Encapsulation(Answer):
    """Beads per droplet."""

    droplets: int
    beads: int
    classes: list[int] = Field(description="beads; the last class means so many or more")
    observed: list[int]
    poisson: list[float]
    mean: float | None = Field(description="lambda, beads a droplet")
    mean_95: tuple[float, float] | None
    dispersion_index: float | None
    occupied: float | None
    single: float | None
    single_of_occupied: float | None
    goodness_of_fit: GoodnessOfFit


class Neighbourhood(Answer):
    """How one droplet lies among the others, in pixels."""

    id: int
    neighbours: int
    contacts: int
    nearest_distance: float
    nearest_gap: float
    cell_area: float
    psi6: float


class Neighbours(Answer):
    """Density and order of the droplets, over those of which all neighbours are known."""

    interior: int
    nearest_distance: Spread
    nearest_gap: Spread
    neighbours: Spread
    contacts: Spread
    cell_area: Spread
    psi6: Spread
    psi6_global: float | None
    packing_fraction: float | None
    density_per_mm2: float | None
    covered_fraction: float
    droplets: list[Neighbourhood]


class AdvancedAnalysis(Segmentation):
    """Answer of /advanced_analysis."""

    clusters: Clusters
    contents: list[Contents]
    encapsulation: Encapsulation
    neighbours: Neighbours
    plots: dict[str, str] = Field(default_factory=dict, description="PNG data URLs, if options.plots is set")
