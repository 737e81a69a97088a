"""What control wells tell before all wells are analysed: thresholds and crosstalk, as options of the run.

Controls are analysed first, with the run's own options. What they tell is kept in controls.json, so that a
run that goes on takes the same, as long as the controls' files, the options and the plate are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch.engine import Plan, gathered, plan
from batch.files import Listing
from batch.folder import OutFolder
from batch.plate import Plate
from batch.recipe import Recipe, make_recipe
from batch.record import Record
from batch.wells import lights
from droplets.ddpcr.joint import compensated, crosstalk_column
from droplets.ddpcr.options import DdpcrOptions, DyeOptions
from droplets.errors import BadRequest

CONTROLS = "controls.json"

Lights = list[NDArray[np.float64]]
"""N amplitudes of each dye."""


def controlled(
    recipe: Recipe,
    plate: Plate,
    listing: Listing,
    folder: OutFolder,
    max_pixels: int,
    analyse: Callable[[Plan], None],
) -> Recipe:
    """The recipe with thresholds and crosstalk of the plate's controls; the same where it asks for none.

    Arguments:
        recipe, plate, listing: of the run.
        folder: is held.
        max_pixels: limit of a picture.
        analyse: does what is left to do of a plan.

    Raises:
        BadRequest: a control is missing, shows nothing, or says what the options say too.
    """
    asked = recipe.wanted.options.ddpcr or DdpcrOptions()
    if not plate.threshold and not plate.single_positives:
        (folder.path / CONTROLS).unlink(missing_ok=True)  # of another run
        return recipe
    if plate.single_positives and asked.crosstalk is not None:
        raise BadRequest("plate.single_positives and options.ddpcr.crosstalk: leave one of them out.")
    own = tuple(picture for picture in listing.pictures if plate.decides(plate.well(picture.name)))
    stamps = [(one.name, [(file.size, file.modified) for file in one.files]) for one in own]
    made_of = hashlib.sha256(repr((recipe.digest, plate, stamps)).encode()).hexdigest()
    told = _kept(folder, made_of)
    if told is None:
        first = plan(replace(listing, pictures=own, alone=()), recipe, folder, max_pixels)
        analyse(first)
        told = _told(gathered(first, folder), folder, plate, asked)
        with folder.writing(CONTROLS) as out:
            out.write(json.dumps({"made_of": made_of, "ddpcr": told}, indent=2).encode())
    groups = recipe.groups
    return make_recipe({**groups, "options": {**groups["options"], "ddpcr": told}}, recipe.exports)


def _kept(folder: OutFolder, made_of: str) -> dict[str, Any] | None:
    """What the same controls have told before."""
    try:
        kept = json.loads((folder.path / CONTROLS).read_bytes())
        return dict(kept["ddpcr"]) if kept["made_of"] == made_of else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _told(records: Sequence[Record], folder: OutFolder, plate: Plate, asked: DdpcrOptions) -> dict[str, Any]:
    """Options of digital PCR as JSON values."""
    if plate.single_positives:
        asked = asked.model_copy(update={"crosstalk": _crosstalk(records, folder, plate)})
    if plate.threshold:
        asked = _with_blanks(records, folder, plate, asked)
    return asked.model_dump(exclude_defaults=True)


def _crosstalk(records: Sequence[Record], folder: OutFolder, plate: Plate) -> list[list[float]]:
    """A row a channel, a column a dye."""
    columns = []
    for dye, names in enumerate(plate.single_positives):
        own = [one for one in records if plate.single_positive(plate.well(one.row.picture)) == dye]
        seen, positive = _lights(folder, own)
        column = crosstalk_column(seen, positive[dye] == 1, dye) if len(seen) > dye else None
        if column is None:
            raise BadRequest(
                f"plate.single_positives: no well called {names} has positives and negatives of dye "
                f"{dye + 1}; name one well a dye that has this dye alone."
            )
        columns.append(column)
    return [list(row) for row in zip(*columns, strict=True)]


def _with_blanks(
    records: Sequence[Record], folder: OutFolder, plate: Plate, asked: DdpcrOptions
) -> DdpcrOptions:
    """Where a dye has no threshold, mean and standard deviation of the blanks' negatives in its place."""
    seen, positive = _lights(folder, [one for one in records if plate.blank([plate.well(one.row.picture)])])
    if not seen or any((called == 1).all() for called in positive):
        raise BadRequest(
            f"plate.threshold: no well called {plate.blanks} shows negatives; name wells without template."
        )
    if asked.crosstalk is not None and plate.single_positives:
        seen = compensated(seen, asked.crosstalk)
    dyes = [
        _by_negatives(asked.dye(index), values[called != 1])
        for index, (values, called) in enumerate(zip(seen, positive, strict=True))
    ]
    return asked.model_copy(update={"threshold": None, "dyes": dyes})


def _by_negatives(dye: DyeOptions, negatives: NDArray[np.float64]) -> DyeOptions:
    if dye.threshold is not None or dye.blank is not None:
        return dye
    return dye.model_copy(update={"blank": [float(negatives.mean()), float(negatives.std())]})


def _lights(folder: OutFolder, records: Sequence[Record]) -> tuple[Lights, Lights]:
    """Of partitions that count for each dye: amplitudes, and 1 positive, 0 negative, NaN unknown."""
    rows = np.array([row for record in records for row in lights(folder, record)], float)
    if not len(rows):
        return [], []
    counted = rows[np.isfinite(rows[..., 0]).all(axis=1)]
    return list(counted[..., 0].T), list(counted[..., 1].T)
