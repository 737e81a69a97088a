"""The client that is awaited: the twin of `Client`, with the same methods."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx

from sam_droplet_client import flows
from sam_droplet_client.flows import Call, Flow, Patience, Pause, Picture, Pictures, Tell
from sam_droplet_client.results import Job, Result, Results

T = TypeVar("T")


class AsyncClient:
    """A service and a key of it, for programs that await.

    Arguments:
        url: of the service, such as "http://127.0.0.1:9487".
        key: API key.
        timeout_s: how long an answer may take.
        retries: how often a request is tried again that may succeed later.
        longest_wait_s: what the service may ask to wait for that; beyond, its refusal is raised at once.
    """

    def __init__(
        self, url: str, key: str, *, timeout_s: float = 300, retries: int = 5, longest_wait_s: float = 120
    ) -> None:
        self._patience = Patience(retries, longest_wait_s)
        self._http = httpx.AsyncClient(base_url=url, headers={"X-API-Key": key}, timeout=timeout_s)

    async def segment(
        self,
        picture: Picture,
        *,
        fluorescence: Picture | None = None,
        filters: Mapping[str, Any] | None = None,
        preprocessing: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Result:
        """Find and measure the droplets of a picture.

        Arguments:
            picture: path or content of a file.
            fluorescence: a second picture of the same field, for digital PCR.
            filters, preprocessing, options: as the service's page on the HTTP interface has them.

        Raises:
            Refused, Unreachable: see errors.py.
        """
        groups = {"filters": filters, "preprocessing": preprocessing, "options": options}
        return await self._run(flows.segment(picture, fluorescence, groups, self._patience))

    async def ddpcr(self, brightfield: Picture, fluorescence: Picture, **options: Any) -> Result:
        """Digital PCR of a pair of pictures; as `segment`, and the figures are in `Result.ddpcr`."""
        return await self.segment(brightfield, fluorescence=fluorescence, **options)

    async def segment_many(
        self,
        pictures: Pictures,
        folder: str | Path,
        *,
        run: Mapping[str, Any] | None = None,
        filters: Mapping[str, Any] | None = None,
        preprocessing: Mapping[str, Any] | None = None,
        progress: Tell = flows.silent,
        **options: Any,
    ) -> Results:
        """Send many pictures as a job, wait until it is done, and fetch its results.

        Arguments:
            pictures: a folder, with all below it, or files; stacks, videos and ZIP files too.
            folder: of the results.
            run: export, pair, frames, tracks, frame_interval_s, plate.
            filters, preprocessing, options: as of `segment`.
            progress: hears of each file that was sent and of each picture that is done.

        Raises:
            FileNotFoundError: there is no picture.
            JobFailed: the job has failed as a whole.
            Refused, Unreachable: see errors.py.
        """
        groups = {"filters": filters, "preprocessing": preprocessing, "options": options}
        return await self._run(
            flows.segment_many(pictures, folder, run or {}, groups, progress, self._patience)
        )

    async def start_job(
        self,
        pictures: Pictures,
        *,
        run: Mapping[str, Any] | None = None,
        filters: Mapping[str, Any] | None = None,
        preprocessing: Mapping[str, Any] | None = None,
        progress: Tell = flows.silent,
        **options: Any,
    ) -> Job:
        """Send many pictures as a job and start it; arguments and errors as of `segment_many`."""
        groups = {"filters": filters, "preprocessing": preprocessing, "options": options}
        return await self._run(flows.start_job(pictures, run or {}, groups, progress, self._patience))

    async def jobs(self) -> list[Job]:
        """The key's jobs, the newest first."""
        return await self._run(flows.listed(self._patience))

    async def job(self, id_: str) -> Job:
        """How far a job is."""
        return await self._run(flows.one(id_, self._patience))

    async def wait(self, id_: str, progress: Tell = flows.silent) -> Job:
        """A job when it is done.

        Raises:
            JobFailed: it has failed as a whole.
        """
        return await self._run(flows.waited(id_, progress, self._patience))

    async def fetch(self, id_: str, folder: str | Path) -> Results:
        """The results of a job that is done, unpacked into a folder."""
        return await self._run(flows.fetched(id_, folder, self._patience))

    async def remove(self, id_: str) -> None:
        """Stop a job and remove it from the service."""
        await self._run(flows.removed(id_, self._patience))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _run(self, flow: Flow[T]) -> T:
        """Do what the flow asks for until it has its result."""
        step = partial(flow.send, None)
        while True:
            try:
                wanted = step()
            except StopIteration as done:
                return cast(T, done.value)
            if isinstance(wanted, Pause):
                await asyncio.sleep(wanted.seconds)
                step = partial(flow.send, None)
                continue
            try:
                step = partial(flow.send, await self._answer(wanted))
            except httpx.TransportError as error:
                step = partial(flow.throw, error)

    async def _answer(self, call: Call) -> httpx.Response:
        answer = await self._http.send(call.request(self._http), stream=True)
        try:
            if call.save_to is None or not answer.is_success:
                await answer.aread()
            else:
                with call.save_to.open("wb") as file:
                    async for chunk in answer.aiter_bytes():
                        file.write(chunk)
        finally:
            await answer.aclose()
        return answer
