"""The folder of a job, and the folder of all jobs: what lies there is all that is known of them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from operator import itemgetter
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile, mkdtemp

from filelock import FileLock, Timeout

from batch.files import HIDDEN, SUFFIXES
from droplets.errors import BadRequest
from jobs.errors import REMOVED, UNKNOWN, JobConflict, NoSuchJob
from jobs.record import JOB, STATE, Job, State

DAY = 86400
ARCHIVE = ".zip"
LONGEST_NAME = 200
"""Characters of a file's name: file systems take 255 bytes of a part, and the results stand under it."""


def checked_name(name: str) -> str:
    """A file's name as a path below the job's pictures.

    Raises:
        BadRequest: a file of this name is never taken; says which are.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    hidden = any(part.startswith((*HIDDEN, "..")) for part in path.parts)
    plain = name.isprintable() and ":" not in name and len(name.encode()) <= LONGEST_NAME
    if path.is_absolute() or hidden or not plain or path.suffix.lower() not in {*SUFFIXES, ARCHIVE}:
        raise BadRequest(
            f"Call a file by a short relative name that ends in {' '.join(sorted(SUFFIXES))} or {ARCHIVE}."
        )
    return str(path)


@dataclass(frozen=True)
class JobFolder:
    """One job: job.json and state.json, files that are arriving, pictures, and the run's results."""

    path: Path

    @property
    def pictures(self) -> Path:
        """What has been received."""
        return self.path / "pictures"

    @property
    def results(self) -> Path:
        """The folder of the run."""
        return self.path / "results"

    @property
    def inputs(self) -> tuple[str, ...]:
        """Of the run: the folder, and each ZIP file in it."""
        archives = sorted(path for path in self.pictures.rglob("*") if path.suffix.lower() == ARCHIVE)
        return (str(self.pictures), *map(str, archives))

    @property
    def size(self) -> int:
        """Bytes of the files that were received or are arriving."""
        return sum(path.stat().st_size for path in self._files())

    def count(self) -> int:
        """Number of these files."""
        return sum(1 for _ in self._files())

    def job(self) -> Job:
        """What was asked.

        Raises:
            NoSuchJob: the job has been removed.
        """
        return JOB.validate_json(self._read("job.json"))

    def state(self) -> State:
        """How far it is.

        Raises:
            NoSuchJob: the job has been removed.
        """
        return STATE.validate_json(self._read("state.json"))

    def write(self, state: State) -> None:
        """Replace the state.

        Raises:
            NoSuchJob: the job has been removed.
        """
        self._write("state.json", STATE.dump_json(state))

    def arriving(self, name: str) -> Path:
        """Where a file of this name lies until all of it is there."""
        return self.path / "arriving" / sha256(name.encode()).hexdigest()

    def accept(self, name: str) -> None:
        """Take an arriving file among the pictures; all of it is there."""
        target = self.pictures / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self.arriving(name), target)  # noqa: PTH105

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Keep out others that would start the job or change its files."""
        with self._lock(".changing", "Another request is changing this job; try again in a moment."):
            yield

    @contextmanager
    def working(self) -> Iterator[None]:
        """Keep other workers out; the system lets go of it whatever ends this one.

        Raises:
            JobConflict: another worker is at it.
        """
        with self._lock(".working", "A worker is at this job."):
            yield

    @property
    def is_worked_on(self) -> bool:
        """Whether a worker is at it."""
        try:
            with self.working():
                return False
        except (JobConflict, NoSuchJob):
            return True

    @contextmanager
    def _lock(self, name: str, taken: str) -> Iterator[None]:
        if not self.path.is_dir():  # the lock would make the folder anew
            raise NoSuchJob(REMOVED)
        try:
            with FileLock(self.path / name, timeout=1):
                yield
        except Timeout:
            raise JobConflict(taken) from None

    def _files(self) -> Iterator[Path]:
        for folder in (self.pictures, self.path / "arriving"):
            yield from (path for path in folder.rglob("*") if path.is_file())

    def _read(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError:
            raise NoSuchJob(UNKNOWN) from None

    def _write(self, name: str, content: bytes) -> None:
        try:
            with NamedTemporaryFile(dir=self.path, prefix=".", delete=False) as file:
                file.write(content)
            os.replace(file.name, self.path / name)  # noqa: PTH105
        except FileNotFoundError:
            raise NoSuchJob(REMOVED) from None


class JobFolders:
    """All jobs: a folder for each owner, and in it one for each job.

    A job appears, and goes, by one renaming.

    Arguments:
        path: made when the first job comes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._new = path / ".new"
        self._gone = path / ".gone"

    def begin(self, job: Job) -> JobFolder:
        """A folder that nobody sees yet."""
        self._new.mkdir(parents=True, exist_ok=True)
        folder = JobFolder(Path(mkdtemp(dir=self._new)))
        for name in ("arriving", "pictures"):
            (folder.path / name).mkdir()
        (folder.path / "job.json").write_bytes(JOB.dump_json(job))
        folder.write(State("receiving"))
        return folder

    def publish(self, folder: JobFolder, owner: str) -> JobFolder | None:
        """Show a folder to its owner; None if there is one of the same id."""
        target = self._of(owner) / folder.job().id
        target.parent.mkdir(exist_ok=True)
        try:
            folder.path.rename(target)
        except OSError:
            if not target.is_dir():
                raise
            return None
        return JobFolder(target)

    def find(self, owner: str, id_: str) -> JobFolder:
        """The job of this owner and id.

        Raises:
            NoSuchJob: there is none.
        """
        folder = JobFolder(self._of(owner) / id_)
        if not _is_id(id_) or not (folder.path / "job.json").is_file():
            raise NoSuchJob(UNKNOWN)
        return folder

    def of(self, owner: str) -> list[JobFolder]:
        """The owner's jobs, the newest first."""
        found = []
        for path in self._of(owner).glob("*"):
            with suppress(NoSuchJob):  # it may be removed meanwhile
                found.append((JobFolder(path).job().created, JobFolder(path)))
        return [folder for _, folder in sorted(found, key=itemgetter(0), reverse=True)]

    def all(self) -> Iterator[tuple[str, JobFolder]]:
        """All jobs, each with its name in the queue."""
        for path in sorted(self.path.glob("*/*/job.json")):
            if not path.parent.parent.name.startswith("."):
                yield f"{path.parent.parent.name}/{path.parent.name}", JobFolder(path.parent)

    def named(self, name: str) -> JobFolder:
        """The job of this name in the queue.

        Raises:
            NoSuchJob: there is none.
        """
        owner, _, id_ = name.partition("/")
        if not _is_id(owner) or not _is_id(id_) or not (self.path / owner / id_).is_dir():
            raise NoSuchJob(REMOVED)
        return JobFolder(self.path / owner / id_)

    def name(self, owner: str, id_: str) -> str:
        """What a job is called in the queue."""
        return f"{self._of(owner).name}/{id_}"

    def remove(self, folder: JobFolder) -> None:
        """Take a job away; a worker that is at it finds it gone."""
        self._gone.mkdir(parents=True, exist_ok=True)
        gone = Path(mkdtemp(dir=self._gone))
        try:
            folder.path.rename(gone / "job")
        except FileNotFoundError:
            raise NoSuchJob(REMOVED) from None
        finally:
            shutil.rmtree(gone, ignore_errors=True)

    def clean(self, retention_s: float) -> None:
        """Take away what is over for so long, was never started, or was left half made or half removed.

        Arguments:
            retention_s: seconds after the end, or after a job was made that was not started.
        """
        now = time.time()
        for _, folder in self.all():
            try:
                state, created = folder.state(), folder.job().created
                since = created if state.stage == "receiving" else state.finished
                if since is not None and now - since > retention_s:
                    self.remove(folder)
            except NoSuchJob:
                continue
        for place in (self._new, self._gone):
            for path in place.glob("*"):
                if now - path.stat().st_mtime > DAY:
                    shutil.rmtree(path, ignore_errors=True)
        for path in self.path.glob("*/*"):  # what a worker wrote into while it was removed
            if not path.parent.name.startswith(".") and not (path / "job.json").is_file():
                shutil.rmtree(path, ignore_errors=True)

    def _of(self, owner: str) -> Path:
        """By a digest of the owner's name, which may hold anything."""
        return self.path / sha256(owner.encode()).hexdigest()[:32]


def _is_id(text: str) -> bool:
    return len(text) == 32 and set(text) <= set("0123456789abcdef")  # noqa: PLR2004  # as ids are made
