"""A bounded queue in which everybody has a share, and whose turn goes round."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """First in, first out for each owner; owners take turns.

    Arguments:
        size: items that may wait.
        share: of these, items of one owner.
    """

    def __init__(self, size: int, share: int) -> None:
        self.size = size
        self.share = min(share, size)
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()
        self._changed = threading.Condition()

    def __len__(self) -> int:
        with self._changed:
            return sum(map(len, self._waiting.values()))

    def room(self, owner: str) -> int:
        """How many more items of `owner` would be taken now."""
        with self._changed:
            waiting = sum(map(len, self._waiting.values()))
            return min(self.size - waiting, self.share - len(self._waiting.get(owner, ())))

    def put(self, item: T, owner: str) -> None:
        """Let `item` wait; whether there is room is the caller's to ask."""
        with self._changed:
            self._waiting.setdefault(owner, deque()).append(item)
            self._changed.notify()

    def get(self) -> T:
        """The next item, of the owner who has waited longest for a turn; blocks while there is none."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)
            owner, items = self._waiting.popitem(last=False)
            item = items.popleft()
            if items:
                self._waiting[owner] = items  # at the end of the round
            return item

    def discard(self, item: T, owner: str) -> None:
        """Take `item` out, if it still waits."""
        with self._changed:
            items = self._waiting.get(owner)
            if items and item in items:
                items.remove(item)
                if not items:
                    del self._waiting[owner]
