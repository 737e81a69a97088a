"""What a run is asked for, as it comes from a file or the command line, and as it is written down."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field

from batch.exports import EXPORTS, check_exports
from batch.plate import NO_PLATE, Plate
from config import MODEL, VERSION
from droplets.ddpcr.options import MOST_DYES
from droplets.errors import BadRequest
from droplets.objects.filters import Filters
from droplets.options import AnalysisOptions, Options
from droplets.parameters import Parameters
from droplets.preprocess import Preprocessing

GROUPS = ("filters", "preprocessing", "options")
EACH = "each"
"""The group of what single pictures have of their own."""
RUN = ("inputs", "pair", "frames", "tracks", "frame_interval_s", "plate", "export", "record")
"""What run.json has besides the groups."""
ANSWER = ("mask_format", "plots")
"""Options that are about an answer over HTTP: a request's options serve here too."""
MANIFEST = MODEL / "manifest.json"


class OwnGroups(Parameters):
    """What one picture of a run has of its own: its fluorescence, and settings in place of the run's."""

    filters: dict[str, Any] = Field(default_factory=dict, description="In place of the run's, name by name.")
    preprocessing: dict[str, Any] = Field(default_factory=dict, description="The same.")
    options: dict[str, Any] = Field(default_factory=dict, description="The same.")
    fluorescence: Annotated[list[str], Field(max_length=MOST_DYES)] = Field(
        default_factory=list, description="Names of the files with its fluorescence, one a dye."
    )


@dataclass(frozen=True)
class Own:
    """The same, checked: all that is done to the picture, and names of files."""

    wanted: AnalysisOptions
    fluorescence: tuple[str, ...] = ()


@dataclass(frozen=True)
class OptionsFile:
    """What an options file says.

    Attributes:
        groups: "filters", "preprocessing", "options" and "each", unchecked.
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
        each: what pictures have of their own, by the names of their files.
    """

    wanted: AnalysisOptions = field(default_factory=AnalysisOptions)
    exports: tuple[str, ...] = ()
    each: Mapping[str, Own] = field(default_factory=dict)

    def of(self, file: str) -> AnalysisOptions:
        """What is done to the pictures of the file of this name."""
        return self.each[file].wanted if file in self.each else self.wanted

    @property
    def groups(self) -> dict[str, dict[str, Any]]:
        """Options, filters and preprocessing as JSON values, without what is default; what pictures have of
        their own, where some do."""
        own = {name: self._difference(one) for name, one in self.each.items()}
        common = {name: getattr(self.wanted, name).model_dump(exclude_defaults=True) for name in GROUPS}
        return {**common, EACH: own} if own else common

    def _difference(self, own: Own) -> dict[str, Any]:
        groups: dict[str, Any] = {"fluorescence": list(own.fluorescence)} if own.fluorescence else {}
        for name in GROUPS:
            common = getattr(self.wanted, name).model_dump()
            values = getattr(own.wanted, name).model_dump()
            if other := {key: value for key, value in values.items() if value != common[key]}:
                groups[name] = other
        return groups

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
    each = groups.get(EACH) or {}
    if not isinstance(each, Mapping):
        raise BadRequest(f"{EACH} must be a JSON object: what pictures have of their own, by their names.")
    return Recipe(
        _wanted(groups),
        tuple(name for name in EXPORTS if name in exports),
        {name: _own(value, groups, f"{EACH}.{name}") for name, value in each.items()},
    )


def _wanted(groups: Mapping[str, Any], where: str = "") -> AnalysisOptions:
    """Checked; `where` stands before the names of groups in messages."""
    options = groups.get("options") or {}
    if isinstance(options, Mapping):
        options = {name: value for name, value in options.items() if name not in ANSWER}
    return AnalysisOptions(
        options=Options.parse(options, f"{where}options"),
        filters=Filters.parse(groups.get("filters") or {}, f"{where}filters"),
        preprocessing=Preprocessing.parse(groups.get("preprocessing") or {}, f"{where}preprocessing"),
    )


def _own(value: Any, common: Mapping[str, Any], where: str) -> Own:
    own = OwnGroups.parse(value, where)
    merged = {name: {**(common.get(name) or {}), **getattr(own, name)} for name in GROUPS}
    return Own(_wanted(merged, f"{where}."), tuple(own.fluorescence))


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
    groups = (*GROUPS, EACH)
    if not value.keys() & {*groups, *RUN}:
        return OptionsFile({"options": value})
    if unknown := value.keys() - {*groups, *RUN}:
        raise BadRequest(f"{path.name}: {min(unknown)} is not known; known are: {', '.join(groups)}.")
    try:
        return OptionsFile(
            {name: value[name] for name in groups if value.get(name) is not None},
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
