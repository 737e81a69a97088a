"""One row a droplet, for spreadsheets and statistics programs."""

from __future__ import annotations

import csv
import io

from droplets.analysis import Analysis
from droplets.export.figures import COLUMNS, rows


def csv_table(analysis: Analysis) -> str:
    """CSV (RFC 4180) of the figures of every droplet, bead and other object, in order of their ids.

    The header has the names of figures.COLUMNS; these are the same for every picture. Numbers have a
    decimal point and up to 7 digits, what is not known is an empty cell. No cell holds text that
    came from outside, so none can be taken for a formula.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, [column.name for column in COLUMNS])
    writer.writeheader()
    writer.writerows(rows(analysis))
    return text.getvalue()
