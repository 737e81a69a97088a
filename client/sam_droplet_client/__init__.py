"""Asks a SAM Droplet Segmentation service for the droplets in pictures.

with Client("http://127.0.0.1:9487", "YOUR-KEY") as client:
    print(client.segment("picture.png").droplets)
"""

from sam_droplet_client.asynchronous import AsyncClient
from sam_droplet_client.client import Client
from sam_droplet_client.errors import (
    Conflict,
    Failed,
    JobFailed,
    NotFound,
    RateLimited,
    Refused,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from sam_droplet_client.results import Job, Progress, Result, Results

__all__ = [
    "AsyncClient",
    "Client",
    "Conflict",
    "Failed",
    "Job",
    "JobFailed",
    "NotFound",
    "Progress",
    "RateLimited",
    "Refused",
    "Result",
    "Results",
    "Unauthorized",
    "Unavailable",
    "Unreachable",
]
