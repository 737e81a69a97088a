"""From what a user names to the pictures of a run: files, folders, patterns, ZIP files, and pairs of them."""

from __future__ import annotations

import glob
import os
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from droplets.errors import BadRequest, UndecodableImage
from droplets.reading.planes import Selection

SUFFIXES = {
    ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".avi", ".mp4", ".mov", ".czi", ".nd2", ".lif"
}  # fmt: skip
"""What is taken of folders and ZIP files; a file that is named itself may have any name."""
HIDDEN = (".", "__MACOSX")


@dataclass(frozen=True)
class File:
    """A file of a picture.

    Attributes:
        name: below the folder that all inputs of the run share, with "/" between folders.
        path: on the disk; of the ZIP file, if it lies in one.
        member: its name in the ZIP file; None for a file of its own.
        size: bytes.
        modified: nanoseconds; the ZIP file's time for what lies in it.
    """

    name: str
    path: Path
    member: str | None
    size: int
    modified: int

    def read(self) -> bytes:
        """The content.

        Raises:
            UndecodableImage: it cannot be read; says why.
        """
        try:
            if self.member is None:
                return self.path.read_bytes()
            with zipfile.ZipFile(self.path) as zipped:
                return zipped.read(self.member)
        except (OSError, RuntimeError, zipfile.BadZipFile, NotImplementedError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise UndecodableImage(f"The file cannot be read: {reason}.") from None


@dataclass(frozen=True)
class Picture:
    """What is analysed at once: one frame, with its fluorescence where it has one.

    Attributes:
        name: of the file, and of the frame where its file gives several pictures.
        file: where it lies.
        fluorescence: where that lies, a file a dye.
        frame: index in its file; None where its file gives one picture.
        interval_s: from one frame of its file to the next, if the file tells.
    """

    name: str
    file: File
    fluorescence: tuple[File, ...] = ()
    frame: int | None = None
    interval_s: float | None = None

    @property
    def files(self) -> tuple[File, ...]:
        """Its own, then the fluorescence's."""
        return (self.file, *self.fluorescence)

    def plane(self, selection: Selection) -> Selection:
        """What of its files is wanted: of its own frame, if it is one of several."""
        return selection if self.frame is None else replace(selection, frame=self.frame)


@dataclass(frozen=True)
class Listing:
    """The pictures of a run, by name; what is half a pair; and files that no pattern of `pair` fits."""

    pictures: tuple[Picture, ...]
    alone: tuple[File, ...] = ()
    left_out: tuple[File, ...] = ()


@dataclass(frozen=True)
class Pair:
    """Two patterns with the same part "{}": of the brightfield picture's name and of its fluorescence's."""

    brightfield: re.Pattern[str]
    fluorescence: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> Pair:
        """Of "{}_bf.png:{}_fl.png".

        Raises:
            BadRequest: it is something else.
        """
        patterns = text.split(":")
        if text.count(":") != 1 or any(pattern.count("{}") != 1 for pattern in patterns):
            raise BadRequest('--pair must be two patterns with one {} each, such as "{}_bf.png:{}_fl.png".')
        first, second = (
            re.compile("(?P<same>.*)".join(map(re.escape, pattern.split("{}")))) for pattern in patterns
        )
        return cls(first, second)


def find_files(inputs: Sequence[str], out: Path) -> list[File]:
    """All files that the inputs name, each once, by name.

    Arguments:
        inputs: files, folders (with all below them), patterns such as "*.png", ZIP files.
        out: folder of the results, in which no picture is looked for.

    Raises:
        BadRequest: an input is not there or no ZIP file although it is called so; there is no picture.
    """
    named = [path for text in inputs for path in _expanded(text)]
    root = _root([_folder(text) for text in inputs])
    out = out.resolve()
    found: dict[str, File] = {}
    for path in named:
        for file in _below(path, root) if path.is_dir() else _files(path, root):
            if not file.path.is_relative_to(out):
                found[file.name] = file
    if not found:
        raise BadRequest(f"There is no picture: none of the files is called {' '.join(sorted(SUFFIXES))}.")
    return [found[name] for name in sorted(found)]


def pictures(
    files: Sequence[File], pair: Pair | None, own: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> Listing:
    """The pictures that the files give: one each, or one of two files that `pair` puts together.

    Arguments:
        files: of the run.
        pair: how brightfield and fluorescence are called; None for single pictures.
        own: names of pictures with those of their fluorescence, one a dye; of these `pair` says nothing.

    Raises:
        BadRequest: `own` names what is not there.
    """
    named = {file.name: file for file in files}
    if missing := [name for name in (*own, *chain(*own.values())) if name not in named]:
        raise BadRequest(f"each names {missing[0]}, which is no file of this run.")
    lit = [
        Picture(name, named[name], tuple(named[one] for one in lights))
        for name, lights in own.items()
        if lights
    ]
    taken = {file.name for picture in lit for file in picture.files}
    listing = _paired([file for file in files if file.name not in taken], pair)
    return replace(listing, pictures=tuple(sorted((*lit, *listing.pictures), key=lambda one: one.name)))


def _paired(files: Sequence[File], pair: Pair | None) -> Listing:
    if pair is None:
        return Listing(tuple(Picture(file.name, file) for file in files))
    bright, glowing, left_out = {}, {}, []
    for file in files:
        if match := pair.brightfield.fullmatch(file.name):
            bright[match["same"]] = file
        elif match := pair.fluorescence.fullmatch(file.name):
            glowing[match["same"]] = file
        else:
            left_out.append(file)
    both = [Picture(file.name, file, (glowing[same],)) for same, file in bright.items() if same in glowing]
    alone = [
        file
        for these, others in ((bright, glowing), (glowing, bright))
        for same, file in these.items()
        if same not in others
    ]
    return Listing(tuple(both), tuple(alone), tuple(left_out))


def _expanded(text: str) -> list[Path]:
    """What the input names, absolute. A file may have a name that looks like a pattern."""
    if Path(text).exists():
        return [Path(text).resolve()]
    if glob.has_magic(text):
        # As shells do it; those of Windows leave it to the program.
        if found := sorted(glob.glob(text, recursive=True)):  # noqa: PTH207  # "**" and absolute patterns
            return [Path(name).resolve() for name in found]
        raise BadRequest(f"No file fits {text}.")
    raise BadRequest(f"{text} is not there.")


def _folder(text: str) -> Path:
    """The folder that an input is about, whatever lies in it."""
    path = Path(text)
    if not path.exists():
        while glob.has_magic(str(path)):
            path = path.parent
    return path.resolve() if path.is_dir() else path.resolve().parent


def _root(folders: Sequence[Path]) -> Path:
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:
        raise BadRequest(
            "The pictures lie on several drives; run those of each into a folder of its own."
        ) from None


def _below(folder: Path, root: Path) -> Iterator[File]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(HIDDEN) for part in path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
            yield from _files(path, root)


def _files(path: Path, root: Path) -> Iterator[File]:
    """The file, or the pictures in it if it is a ZIP file."""
    status, name = path.stat(), path.relative_to(root).as_posix()
    if path.suffix.lower() != ".zip":
        yield File(name, path, None, status.st_size, status.st_mtime_ns)
        return
    try:
        with zipfile.ZipFile(path) as zipped:
            members = [member for member in zipped.infolist() if not member.is_dir()]
    except (OSError, zipfile.BadZipFile):
        raise BadRequest(f"{path.name} is no ZIP file, or a damaged one.") from None
    for member in members:
        inner = PurePosixPath(member.filename.replace("\\", "/"))
        # A name that leads out of the folder would be written there; no program packs such names.
        outside = inner.is_absolute() or any(part.startswith((*HIDDEN, "..")) for part in inner.parts)
        if inner.suffix.lower() in SUFFIXES and not outside and ":" not in member.filename:
            yield File(f"{name}/{inner}", path, member.filename, member.file_size, status.st_mtime_ns)
