"""What is wrong with a request about a job.

ServiceError
├── NoSuchJob    the key has no job of this id
└── JobConflict  not in the state that the job is in, or too many at once
"""

from __future__ import annotations

from droplets.errors import ServiceError

UNKNOWN = "This key has no such job; GET /jobs lists those that it has."
REMOVED = "This job has been removed."


class NoSuchJob(ServiceError):
    """The key has no such job, or no such file in it."""


class JobConflict(ServiceError):
    """The job is not in a state in which this can be done, or the key has too many at once."""
