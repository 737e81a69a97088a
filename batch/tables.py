"""The tables over all pictures of a run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from importlib.util import find_spec

from batch.folder import DROPLETS, OutFolder
from batch.record import Record, Row
from droplets.ddpcr.options import MOST_DYES
from droplets.export.figures import COLUMNS

TEXT = {"picture", "kind", "found_by", "excluded"}
WHOLE = {
    "frame",
    "id",
    "parent_id",
    "beads",
    "positive",
    *(f"positive_{dye}" for dye in range(2, MOST_DYES + 1)),
    "bbox_x_px",
    "bbox_y_px",
    "bbox_width_px",
    "bbox_height_px",
    "area_px",
}
"""Columns of droplets.parquet that are no floating-point numbers."""
PARQUET = "droplets.parquet"
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Failure:
    """A picture that could not be analysed: the kind of error, and what to do about it."""

    picture: str
    error: str
    message: str


def table_names() -> list[str]:
    """The tables' files; that of Parquet only where pyarrow is installed, which takes 170 MB."""
    return ["droplets.csv", "pictures.csv", "errors.csv", *([PARQUET] if find_spec("pyarrow") else [])]


def write_tables(folder: OutFolder, records: Sequence[Record], failures: Sequence[Failure]) -> None:
    """Write all tables; one that cannot be written now does not stay as it was."""
    _write_droplets(folder, [record.row for record in records])
    if PARQUET in table_names():
        _write_parquet(folder)
    else:
        (folder.path / PARQUET).unlink(missing_ok=True)
    names = [field.name.rstrip("_") for field in fields(Row)]
    write_csv(folder, "pictures.csv", names, (astuple(record.row) for record in records))
    names = [field.name for field in fields(Failure)]
    write_csv(folder, "errors.csv", names, map(astuple, failures))


def read_failures(folder: OutFolder) -> list[Failure]:
    """What errors.csv tells."""
    with (folder.path / "errors.csv").open(newline="", encoding="utf-8") as file:
        return [Failure(**row) for row in csv.DictReader(file)]


def _write_droplets(folder: OutFolder, pictures: Iterable[Row]) -> None:
    """The tables of the pictures one below the other, each row with its picture: never all in memory."""
    with folder.writing("droplets.csv") as out:
        out.write(_line(_droplet_columns()))
        for picture in pictures:
            first = _line([_plain(picture.picture), picture.frame])[:-2] + b","
            for row in (folder.of(picture.picture) / DROPLETS).read_bytes().splitlines(keepends=True)[1:]:
                out.write(first + row)


def _droplet_columns() -> list[str]:
    return ["picture", "frame", *(column.name for column in COLUMNS)]


def _write_parquet(folder: OutFolder) -> None:
    import pyarrow as pa  # noqa: PLC0415  # need not be installed
    from pyarrow import csv as arrow_csv  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    types = {
        name: pa.string() if name in TEXT else pa.int64() if name in WHOLE else pa.float64()
        for name in _droplet_columns()
    }
    schema = pa.schema(types)
    convert = arrow_csv.ConvertOptions(column_types=schema)
    source = folder.path / "droplets.csv"
    with (
        arrow_csv.open_csv(source, convert_options=convert) as batches,
        folder.writing(PARQUET) as out,
        parquet.ParquetWriter(out, schema) as writer,
    ):
        for batch in batches:
            writer.write_batch(batch)


def write_csv(folder: OutFolder, file: str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table of rows under a line of names."""
    with folder.writing(file) as out:
        out.write(_line(names))
        for row in rows:
            out.write(_line([_plain(value) if isinstance(value, str) else value for value in row]))


def _line(values: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue().encode()


def _plain(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula: names of files come from anywhere."""
    return f"'{text}" if text.startswith(FORMULA) else text
