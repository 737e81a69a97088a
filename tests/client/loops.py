"""Coroutines in tests, whose thread may have a loop that runs: browsers' tests leave theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Found = TypeVar("Found")


def in_a_loop(ask: Callable[[], Coroutine[Any, Any, Found]]) -> Found:
    """What a coroutine gives, in a thread and a loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(ask())).result()
