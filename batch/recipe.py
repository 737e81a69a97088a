"""What a run is asked for, as it comes from a file or the command line, and as it is written down."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from batch.exports import EXPORTS, check_exports
from batch.plate import NO_PLATE, Plate
from config import MODEL, VERSION
from droplets.errors import BadRequest
from droplets.objects.filters import Filters
from droplets.options import AnalysisOptions, Options
from droplets.preprocess import Preprocessing

GROUPS = ("filters", "preprocessing", "options")
RUN = ("inputs", "pair", "frames", "tracks", "frame_interval_s", "plate", "export", "record")
"""What run.json has besides the groups."""
ANSWER = ("mask_format", "plots")
"""Options that are about an answer over HTTP: a request's options serve here too."""
MANIFEST = MODEL / "manifest.json"


@dataclass(frozen=True)
class OptionsFile:
    """What an options file says.

    Attributes:
        groups: "filters", "preprocessing" and "options", unchecked.
        inputs, pair, frames, tracks, frame_interval_s, export: of a run that is to be done again; empty in
            other files.
        plate: what the wells are.
    """

    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    pair: str | None = None
    frames: str | None = None
    tracks: bool = False
    frame_interval_s: float | None = None
    plate: Plate = NO_PLATE
    export: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Recipe:
    """What is done to every picture.

    Attributes:
        wanted: options, filters and preprocessing.
        exports: files a picture, of EXPORTS.
    """

    wanted: AnalysisOptions = field(default_factory=AnalysisOptions)
    exports: tuple[str, ...] = ()

    @property
    def groups(self) -> dict[str, dict[str, Any]]:
        """Options, filters and preprocessing as JSON values, without what is default."""
        return {name: getattr(self.wanted, name).model_dump(exclude_defaults=True) for name in GROUPS}

    @property
    def digest(self) -> str:
        """The same for all runs that give the same results of the same files."""
        weights = hashlib.sha256(MANIFEST.read_bytes()).hexdigest()
        text = json.dumps([VERSION, weights, self.exports, self.groups], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def make_recipe(groups: Mapping[str, Mapping[str, Any]], exports: Sequence[str]) -> Recipe:
    """Checked.

    Raises:
        BadRequest: names the first field that is wrong, or the export that is not known.
    """
    check_exports(exports)
    options = groups.get("options") or {}
    if isinstance(options, Mapping):
        options = {name: value for name, value in options.items() if name not in ANSWER}
    wanted = AnalysisOptions(
        options=Options.parse(options, "options"),
        filters=Filters.parse(groups.get("filters") or {}, "filters"),
        preprocessing=Preprocessing.parse(groups.get("preprocessing") or {}, "preprocessing"),
    )
    return Recipe(wanted, tuple(name for name in EXPORTS if name in exports))


def read_options_file(path: Path) -> OptionsFile:
    """Groups as in a request, or a run.json; or the options alone, as the page saves them.

    Arguments:
        path: JSON, or YAML if it is called .yaml or .yml.

    Raises:
        BadRequest: it cannot be read, or is none of these.
    """
    value = _parsed(path)
    if not isinstance(value, dict):
        raise BadRequest(f"{path.name} must hold an object with {', '.join(GROUPS)}.")
    if not value.keys() & {*GROUPS, *RUN}:
        return OptionsFile({"options": value})
    if unknown := value.keys() - {*GROUPS, *RUN}:
        raise BadRequest(f"{path.name}: {min(unknown)} is not known; known are: {', '.join(GROUPS)}.")
    try:
        return OptionsFile(
            {name: value[name] for name in GROUPS if value.get(name) is not None},
            tuple(map(str, value.get("inputs") or ())),
            _checked(value, "pair", str),
            _checked(value, "frames", str),
            bool(_checked(value, "tracks", bool)),
            _checked(value, "frame_interval_s", (int, float)),
            Plate.parse(value.get("plate") or {}, "plate"),
            tuple(value["export"]) if value.get("export") is not None else None,
        )
    except TypeError:
        raise BadRequest(
            f"{path.name}: inputs and export must be lists, pair and frames texts, tracks true or false, and "
            "frame_interval_s a number."
        ) from None


def _checked(value: Mapping[str, Any], name: str, kind: type | tuple[type, ...]) -> Any:
    """What is said under a name, None if nothing.

    Raises:
        TypeError: it is of another kind.
    """
    if value.get(name) is not None and not isinstance(value[name], kind):
        raise TypeError
    return value.get(name)


def _parsed(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        return yaml.safe_load(text) if path.suffix.lower() in {".yaml", ".yml"} else json.loads(text)
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError, yaml.YAMLError):
        raise BadRequest(f"{path.name} is not valid JSON or YAML (by its name).") from None
