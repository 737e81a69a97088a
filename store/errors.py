"""What goes wrong in the store, whichever it is.

ServiceError
└── Unavailable
    └── StoreUnavailable  the store of limits and usage does not answer
"""

from __future__ import annotations

from droplets.errors import Unavailable


class StoreUnavailable(Unavailable):
    """The store of limits and usage does not answer."""

    def __init__(self) -> None:
        super().__init__("The service's store cannot be reached just now; try again in a moment.")
