"""The requests, as schemas: a picture, and the groups of parameters that droplets/ checks."""

from __future__ import annotations

from pydantic import Field

from api.schemas.options import Options
from droplets.objects.filters import Filters
from droplets.parameters import Parameters
from droplets.preprocess import Preprocessing
from droplets.reading.image import FORMATS

IN_TEXT = f"{FORMATS} as base64 or as a data URL."


class Groups(Parameters):
    """What may be set about an analysis."""

    filters: Filters = Field(
        default_factory=Filters,
        description="Limits on droplets and on what lies in no droplet; a bead or other object in a droplet "
        "stays or goes with it.",
        json_schema_extra={"default": {}},
    )
    preprocessing: Preprocessing = Field(
        default_factory=Preprocessing,
        description="Changes what the model sees.",
        json_schema_extra={"default": {}},
    )
    options: Options = Field(
        default_factory=Options,
        description="How the picture is analysed and answered.",
        json_schema_extra={"default": {}},
    )


class PictureBody(Groups):
    """A picture in a JSON body. Where nothing is segmented, only the options that choose a plane count."""

    image: str = Field(description=IN_TEXT)


class AnalysisBody(PictureBody):
    """A picture to analyse in a JSON body."""

    fluorescence: str | list[str] | None = Field(
        None,
        description=f"Second picture of the same field, for digital PCR, or a list, one a dye: {IN_TEXT}",
    )


class PictureForm(Groups):
    """A picture in a multipart form, the groups as JSON in fields of text, as in a JSON body."""

    file: bytes = Field(description=f"{FORMATS}.")


class AnalysisForm(PictureForm):
    """A picture to analyse in a multipart form."""

    fluorescence: list[bytes] = Field(
        [],  # in the schema, for forms made of it do not send an example in its place
        description=f"Further pictures of the same field, for digital PCR, one a dye: {FORMATS}.",
    )
