"""The client for asyncio programs: the same calls as `Client`, awaited."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, cast

import httpx

from . import calls
from .answers import require_success
from .async_registry_client import AsyncRegistryClient
from .calls import Call, InputsLike, RowLike, Settings, TaskFilter
from .connection import DEFAULT_TIMEOUT_S, DEFAULT_URL, USER_AGENT, Address, named_errors, timeouts
from .errors import MultitapError
from .files import Download, Progress, UploadSource
from .parts import WHOLE_BYTES, PartsPush, Pause, Step, Steps
from .publication import Publication
from .references import pick_version, split_reference
from .retries import Repeat, Retries
from .wire import Aggregation, PredictAnswer, RowsPredictAnswer, Task, TasksPredictAnswer, Version

ResultT = TypeVar("ResultT")


class AsyncClient(AsyncRegistryClient):
    """A multitap server, as `Client`, for one event loop.

    Close it with `aclose`, or use it as an async context manager. What each call does and raises
    is written at the method of the same name in `Client`.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare a client; nothing is sent yet. Raises: InvalidUrl."""
        address = Address.parse(url)
        self.url = address.url
        self._retries = Retries() if retries is None else retries
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(
            base_url=address.url,
            timeout=timeouts(timeout_s),
            headers={"user-agent": USER_AGENT},
            trust_env=not address.is_loopback,
            transport=transport,
        )

    async def predict(
        self,
        reference: str,
        inputs: InputsLike,
        *,
        top_k: int | None = None,
        timeout_ms: int | None = None,
        truncate: bool = True,
        threshold: float | None = None,
        aggregation: Aggregation | None = None,
        max_answer_tokens: int | None = None,
        normalize: bool | None = None,
    ) -> PredictAnswer:
        """As `Client.predict`."""
        settings = Settings(
            top_k, timeout_ms, truncate, threshold, aggregation, max_answer_tokens, normalize
        )
        return await self._perform(calls.predict(reference, inputs, settings))

    async def predict_tasks(
        self,
        references: Iterable[str],
        inputs: InputsLike,
        *,
        top_k: int | None = None,
        timeout_ms: int | None = None,
        truncate: bool = True,
        threshold: float | None = None,
        aggregation: Aggregation | None = None,
        max_answer_tokens: int | None = None,
        normalize: bool | None = None,
    ) -> TasksPredictAnswer:
        """As `Client.predict_tasks`."""
        settings = Settings(
            top_k, timeout_ms, truncate, threshold, aggregation, max_answer_tokens, normalize
        )
        return await self._perform(calls.predict_tasks(references, inputs, settings))

    async def predict_rows(
        self,
        rows: Iterable[RowLike],
        *,
        top_k: int | None = None,
        timeout_ms: int | None = None,
        truncate: bool = True,
        threshold: float | None = None,
        aggregation: Aggregation | None = None,
        max_answer_tokens: int | None = None,
        normalize: bool | None = None,
    ) -> RowsPredictAnswer:
        """As `Client.predict_rows`."""
        settings = Settings(
            top_k, timeout_ms, truncate, threshold, aggregation, max_answer_tokens, normalize
        )
        return await self._perform(calls.predict_rows(rows, settings))

    async def tasks(
        self,
        *,
        kind: str | None = None,
        query: str = "",
        label: str | None = None,
        tag: str | None = None,
        language: str | None = None,
        licence: str | None = None,
        text: str | None = None,
        page_size: int = calls.PAGE_SIZE,
    ) -> AsyncIterator[Task]:
        """As `Client.tasks`."""
        where = TaskFilter(kind, query, label, tag, language, licence, text)
        after = None
        while True:
            page = await self._perform(calls.tasks(where, after=after, limit=page_size))
            for record in page.tasks:
                yield record
            if (after := page.next) is None:
                return

    async def task(self, name: str) -> Task:
        """As `Client.task`."""
        return await self._perform(calls.task(name))

    async def versions(
        self, task: str, *, tag: str | None = None, page_size: int = calls.PAGE_SIZE
    ) -> AsyncIterator[Version]:
        """As `Client.versions`."""
        after = None
        while True:
            page = await self._perform(calls.versions(task, tag=tag, after=after, limit=page_size))
            for record in page.versions:
                yield record
            if (after := page.next) is None:
                return

    async def version(self, task: str, version: int) -> Version:
        """As `Client.version`."""
        return await self._perform(calls.version(task, version))

    async def resolve(self, reference: str) -> Version:
        """As `Client.resolve`."""
        name, target = split_reference(reference)
        number = target if isinstance(target, int) else pick_version(await self.task(name), target)
        return await self.version(name, number)

    async def push(
        self,
        task: str,
        file: Path | str | bytes,
        *,
        alias: str | None = None,
        progress: Progress | None = None,
    ) -> Publication:
        """As `Client.push`."""
        source = UploadSource.of(file, progress=progress)
        if source.size_bytes <= WHOLE_BYTES:
            return await self._perform(calls.push(task, source, alias=alias))
        digest = await asyncio.to_thread(source.digest)
        return await self._run(PartsPush(task, source, digest, alias, self._retries).steps())

    async def pull(
        self, reference: str, path: Path | str, *, progress: Progress | None = None
    ) -> Version:
        """As `Client.pull`."""
        record = await self.resolve(reference)
        await self._attempt(lambda: self._download(record, Path(path), progress), "always")
        return record

    async def ready(self) -> bool:
        """As `Client.ready`."""
        return await self._perform(calls.ready())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        await self.aclose()

    async def _download(self, record: Version, path: Path, progress: Progress | None) -> None:
        with named_errors(self.url):
            async with self._http.stream("GET", calls.file_path(record)) as response:
                if not response.is_success:
                    await response.aread()
                    require_success(response)
                with Download(
                    path, digest=record.digest, size_bytes=record.size_bytes, progress=progress
                ) as download:
                    async for chunk in response.aiter_bytes():
                        download.write(chunk)
                    await asyncio.to_thread(download.commit)

    async def _perform(self, call: Call[ResultT]) -> ResultT:
        async def action() -> ResultT:
            return call.parse(await self._send(call))

        return await self._attempt(action, call.repeat)

    async def _attempt(self, action: Callable[[], Awaitable[ResultT]], repeat: Repeat) -> ResultT:
        attempt = 1
        while True:
            try:
                return await action()
            except MultitapError as error:
                wait_s = self._retries.wait_s(error, attempt=attempt, repeat=repeat)
                if wait_s is None:
                    raise
            await asyncio.sleep(wait_s)
            attempt += 1

    async def _run(self, steps: Steps[ResultT]) -> ResultT:
        answer: object = None
        error: Exception | None = None
        while True:
            try:
                step = steps.send(answer) if error is None else steps.throw(error)
            except StopIteration as end:
                return cast("ResultT", end.value)
            answer = error = None
            try:
                answer = await self._take(step)
            except (MultitapError, OSError) as failure:
                error = failure

    async def _take(self, step: Step) -> object:
        if isinstance(step, Pause):
            await asyncio.sleep(step.wait_s)
            return None
        return step.parse(await self._send(step))

    async def _send(self, call: Call[ResultT]) -> httpx.Response:
        body = call.body
        with named_errors(self.url):
            return await self._http.request(
                call.method,
                call.path,
                params=dict(call.params) or None,
                headers=call.headers(),
                content=body.chunks_async() if isinstance(body, UploadSource) else body,
                timeout=timeouts(call.timeout_s or self._timeout_s),
            )
