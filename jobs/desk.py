"""What may be done with jobs, within what a key may have: the story behind each route."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

from batch.files import Listing
from batch.run import listed
from config import Settings
from droplets.errors import BadRequest, TooLarge, Unavailable
from droplets.reading.image import sniff_format
from jobs.errors import JobConflict, NoSuchJob
from jobs.folder import ARCHIVE, JobFolder, JobFolders, checked_name
from jobs.record import Job
from jobs.tasks import Tasks
from jobs.work import asked

CHUNK = 2**20
MEBIBYTE = 2**20
FREE = 1024 * MEBIBYTE
"""Bytes that stay free on the disk: it holds limits and usage too."""
HEAD = 64
"""Bytes by which a file's type is told."""


@dataclass(frozen=True)
class Range:
    """Bytes of a file: so many from `start` of a file of `total`."""

    start: int
    length: int
    total: int


@dataclass(frozen=True)
class Received:
    """How much of a file is there."""

    name: str
    received: int
    total: int


class Desk:
    """Takes jobs, files and orders, each for the key of an owner.

    Arguments:
        settings: limits, and where jobs lie.
    """

    def __init__(self, settings: Settings) -> None:
        self.folders = JobFolders(settings.job_folder)
        self._tasks = Tasks(settings)
        self._settings = settings
        self._most_bytes = int(settings.max_job_size_mb * MEBIBYTE)
        self._most_file_bytes = int(settings.max_job_file_size_mb * MEBIBYTE)

    def create(
        self, owner: str, wanted: Mapping[str, Any], files: Sequence[tuple[str, IO[bytes]]], once: str | None
    ) -> tuple[JobFolder, bool]:
        """A job with its first files; the one that is there if the owner has sent the same `once` before.

        Arguments:
            owner: name of the key.
            wanted: fields of `Job` beside `id` and `created`.
            files: names and contents.
            once: a text by which a request that is sent again is known.

        Returns:
            The job, and whether it is new.

        Raises:
            BadRequest: an option is wrong, or a file has a name that is never taken.
            JobConflict: the owner has as many unfinished jobs as a key may have.
            TooLarge: there are too many files, or they are too large.
            UnsupportedImage: a file is no picture, video or ZIP file.
        """
        id_ = secrets.token_hex(16) if once is None else sha256(once.encode()).hexdigest()[:32]
        of_owner = self.folders.of(owner)
        for folder in of_owner:
            if once is not None and folder.path.name == id_:
                return folder, False
        if sum(_is_open(folder) for folder in of_owner) >= self._settings.max_jobs:
            raise JobConflict(
                f"{self._settings.max_jobs} jobs of this key are not done; wait for one, or delete one."
            )
        folder = self.folders.begin(Job(id_, time.time(), **wanted))
        try:
            asked(folder, folder.job(), self._settings.max_image_pixels)
            for name, content in files:
                length = _length(content)
                self.receive(folder, name, content, Range(0, length, length))
            shown = self.folders.publish(folder, owner)
        except BaseException:
            self.folders.remove(folder)
            raise
        if shown is None:
            self.folders.remove(folder)
            return self.folders.find(owner, id_), False
        return shown, True

    def receive(self, folder: JobFolder, name: str, content: IO[bytes], part: Range) -> Received:
        """Take a file, or a part that begins where those before it end; a part that is there changes nothing.

        Arguments:
            folder: of a job that has not been started.
            name: of the file.
            content: of the part.
            part: which it is.

        Raises:
            BadRequest: less came than the range says, or a file of this name is never taken.
            JobConflict: the job has been started, or a part before this one is missing.
            TooLarge: the job would have too many files or bytes, or the file is too large.
            UnsupportedImage: it is no picture, video or ZIP file.
            Unavailable: the disk is full.
        """
        name = checked_name(name)
        with folder.changing():
            if folder.state().stage != "receiving":
                raise JobConflict("The job has been started; its files stay as they are.")
            there = self.received(folder, name, part.total)
            if part.start > there.received:
                raise JobConflict(f"{there.received} bytes of {name} are here; send what begins there.")
            if part.length == 0 or part.start + part.length <= there.received:
                return there
            self._check_room(folder, name, part)
            self._append(folder, name, content, part)
            received = part.start + part.length
            if received == part.total:
                self._check_type(folder, name)
                folder.accept(name)
            return Received(name, received, part.total)

    def received(self, folder: JobFolder, name: str, total: int) -> Received:
        """How much of a file is there."""
        whole, arriving = folder.pictures / name, folder.arriving(name)
        if whole.is_file():
            return Received(name, whole.stat().st_size, total)
        return Received(name, arriving.stat().st_size if arriving.is_file() else 0, total)

    def cost(self, folder: JobFolder) -> int:
        """Pictures that the job counts as, which are those that it has.

        Raises:
            BadRequest: there is none, a file is missing a part, or pair or frames cannot be used.
            TooLarge: there are too many, or one in a ZIP file is too large.
        """
        if folder.state().pictures is not None:
            return folder.state().pictures or 0
        return len(self._listing(folder).pictures)

    def start(self, folder: JobFolder, owner: str, take: Callable[[int], None]) -> None:
        """Count the pictures against the limit and hand the job to a worker; once, however often it is asked.

        Arguments:
            folder: of the job.
            owner: name of the key.
            take: counts so many pictures, or raises.

        Raises:
            BadRequest, TooLarge: as `cost`.
        """
        with folder.changing():
            state = folder.state()
            if state.stage != "receiving":
                return
            pictures = self.cost(folder)
            take(pictures)
            folder.write(replace(state, stage="waiting", pictures=pictures, started=time.time()))
        self._tasks.put(self.folders.name(owner, folder.path.name))

    def close(self) -> None:
        """Let go of the queue."""
        self._tasks.close()

    def _listing(self, folder: JobFolder) -> Listing:
        if any((folder.path / "arriving").iterdir()):
            raise BadRequest("A file has not come in full; send the rest of it, or delete the job.")
        listing = listed(asked(folder, folder.job(), self._settings.max_image_pixels))
        files = {file.name: file for picture in listing.pictures for file in picture.files}
        most = self._settings.max_job_files
        if len(listing.pictures) > most:
            raise TooLarge(f"A job has {most} pictures at most; split it.")
        if sum(file.size for file in files.values()) > self._most_bytes:
            raise TooLarge(f"A job has {self._settings.max_job_size_mb:g} MB at most, unpacked; split it.")
        if large := [file.name for file in files.values() if file.size > self._most_file_bytes]:
            raise TooLarge(f"{large[0]} is over the limit of {self._settings.max_job_file_size_mb:g} MB.")
        if not listing.pictures:
            raise BadRequest("There is no picture in this job; no file fits both patterns of the pair.")
        return listing

    def _check_room(self, folder: JobFolder, name: str, part: Range) -> None:
        most, settings = self._settings.max_job_files, self._settings
        is_archive = name.lower().endswith(ARCHIVE)
        if not is_archive and part.total > self._most_file_bytes:
            raise TooLarge(f"{name} is over the limit of {settings.max_job_file_size_mb:g} MB.")
        if folder.count() > most:
            raise TooLarge(f"A job has {most} files at most; split it.")
        if folder.size + part.length > self._most_bytes:
            raise TooLarge(f"A job has {settings.max_job_size_mb:g} MB at most; split it.")
        if shutil.disk_usage(folder.path).free < part.length + FREE:
            raise Unavailable("The service's disk is full; delete jobs, or try again later.", retry_after=600)

    def _append(self, folder: JobFolder, name: str, content: IO[bytes], part: Range) -> None:
        arriving = folder.arriving(name)
        with arriving.open("r+b" if arriving.is_file() else "w+b") as file:
            file.truncate(part.start)
            file.seek(part.start)
            left = part.length
            while left and (chunk := content.read(min(CHUNK, left))):
                file.write(chunk)
                left -= len(chunk)
        if left:
            raise BadRequest(f"{left} bytes of {name} are missing of what was announced; send them again.")

    def _check_type(self, folder: JobFolder, name: str) -> None:
        arriving = folder.arriving(name)
        with arriving.open("rb") as file:
            head = file.read(HEAD)
        try:
            if not (name.lower().endswith(ARCHIVE) and head.startswith(b"PK")):
                sniff_format(head)
        except BaseException:
            arriving.unlink()
            raise


def results(folder: JobFolder) -> Path:
    """The folder with the results of a job that is done.

    Raises:
        JobConflict: it is not done.
    """
    state = folder.state()
    if state.stage == "failed":
        raise JobConflict(f"The job has failed: {state.message}")
    if state.stage != "done":
        raise JobConflict("The job is not done; GET /jobs/ID tells how far it is.")
    return folder.results


def _is_open(folder: JobFolder) -> bool:
    """Whether a job is not over; one that is removed meanwhile is."""
    try:
        return not folder.state().is_over
    except NoSuchJob:
        return False


def _length(content: IO[bytes]) -> int:
    length = content.seek(0, 2)
    content.seek(0)
    return length
