"""What the service finds in a picture, as a label image and a table."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import requests
import tifffile
from numpy.typing import NDArray

ANSWER_S = 600
"""Seconds that an answer may take."""


class ServiceRefusesError(Exception):
    """The service cannot do it; the message is its own and says what to do."""


@dataclass(frozen=True, eq=False)
class Found:
    """What was found.

    Attributes:
        labels: HxW unsigned integers: 0, or the id of an object + 1.
        table: a row an object, by its id; the columns of the service's droplets.csv.
    """

    labels: NDArray[np.unsignedinteger[Any]]
    table: pd.DataFrame


def find(pixels: NDArray[Any], address: str, key: str, options: Mapping[str, Any]) -> Found:
    """Have a service find the objects of a picture.

    Arguments:
        pixels: HxW, or HxWx3 RGB.
        address: of the service, http://HOST:PORT.
        key: of the service's API.
        options: of the service.

    Raises:
        ServiceRefusesError: it answers with an error.
        requests.RequestException: it does not answer.
    """
    tiff = io.BytesIO()
    tifffile.imwrite(tiff, pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack")  # noqa: PLR2004
    answer = requests.post(
        f"{address.rstrip('/')}/download_analysis",
        files={"file": ("picture.tif", tiff.getvalue())},
        data={"options": json.dumps(options)},
        headers={"X-API-Key": key},
        timeout=ANSWER_S,
    )
    if not answer.ok:
        raise ServiceRefusesError(_message(answer))
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        labels = tifffile.imread(io.BytesIO(archive.read("labels.tif")))
        table = pd.read_csv(io.BytesIO(archive.read("droplets.csv"))).set_index("id")
    return Found(labels, table)


def _message(answer: requests.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, LookupError, TypeError):
        return f"The service answers {answer.status_code}."
