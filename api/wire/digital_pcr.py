"""Digital PCR as plain JSON values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from droplets.ddpcr.joint import Joint
from droplets.ddpcr.result import DigitalPcr
from droplets.types import Droplet


def digital_pcr(result: DigitalPcr) -> dict[str, Any]:
    """Figures of one picture (api.schemas.segmentation.DdpcrInfo), of several dyes also of each and two."""
    first = _dye(result)
    if not result.further:
        return first
    return {
        **first,
        "dyes": [
            {
                "name": dye.name,
                **_dye(dye),
                "excluded": dict(dye.excluded),
                "saturated": dye.saturated,
                "missed": dye.missed,
            }
            for dye in result.dyes
        ],
        "joint": [_joint(both) for both in result.joint],
    }


def dye_lights(droplet: Droplet) -> list[dict[str, Any] | None]:
    """A droplet's light of each of several dyes; none where there are fewer."""
    if not droplet.further_dyes:
        return []
    return [asdict(light) if light else None for light in (droplet.fluorescence, *droplet.further_dyes)]


def _joint(both: Joint) -> dict[str, Any]:
    return {
        "dyes": list(both.names),
        "negative": both.negative,
        "only_first": both.only_a,
        "only_second": both.only_b,
        "both": both.both,
        "linked": both.linked.value,
        "linked_interval": [both.linked.low, both.linked.high],
        "linked_share": both.linked_share,
    }


def _dye(result: DigitalPcr) -> dict[str, Any]:
    p, copies, per_ul = (
        result.concentration.p,
        result.concentration.copies_per_droplet,
        result.concentration.copies_per_ul,
    )
    registration = result.registration
    return {
        "n": result.n,
        "positives": result.positives,
        "negatives": None if result.positives is None else result.n - result.positives,
        "p": p.value,
        "p_interval": [p.low, p.high],
        "lambda": copies.value,
        "lambda_interval": [copies.low, copies.high],
        "copies_per_ul": per_ul.value,
        "copies_per_ul_interval": [per_ul.low, per_ul.high],
        "threshold": result.threshold,
        "threshold_source": result.threshold_source,
        "separation": result.separation.resolution,
        "rain": result.separation.rain,
        "volume_pl": {"mean": result.volume.mean, "cv": result.volume.cv},
        "registration": {
            "shift": registration.shift,
            "residual": registration.residual,
            "matched": registration.matched,
            "confidence": registration.confidence,
        },
        "warnings": list(result.warnings),
    }
