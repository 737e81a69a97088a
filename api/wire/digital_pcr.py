"""Digital PCR as plain JSON values."""

from __future__ import annotations

from typing import Any

from droplets.ddpcr.result import DigitalPcr


def digital_pcr(result: DigitalPcr) -> dict[str, Any]:
    """Figures of one picture (api.schemas.segmentation.DdpcrInfo)."""
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
