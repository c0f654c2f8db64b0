"""The client for programs without an event loop."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, cast

import httpx

from . import calls
from .answers import require_success
from .calls import Call, InputsLike, RowLike, Settings, TaskFilter
from .connection import DEFAULT_TIMEOUT_S, DEFAULT_URL, USER_AGENT, Address, named_errors, timeouts
from .errors import MultitapError
from .files import Download, Progress, UploadSource
from .parts import WHOLE_BYTES, PartsPush, Pause, Step, Steps
from .publication import Publication
from .references import pick_version, split_reference
from .registry_client import RegistryClient
from .retries import Repeat, Retries
from .wire import Aggregation, PredictAnswer, RowsPredictAnswer, Task, TasksPredictAnswer, Version

ResultT = TypeVar("ResultT")


class Client(RegistryClient):
    """A multitap server, over kept-alive connections. Safe to share between threads.

    Close it, or use it as a context manager. `timeout_s` bounds each wait for bytes, 70 seconds by
    default; a predict call with `timeout_ms` waits that long plus ten seconds instead, and a push
    two minutes.
    Every method raises leaves of `MultitapError`; `Retries` says what is tried again and why that
    is safe.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Prepare a client; nothing is sent yet. Raises: InvalidUrl."""
        address = Address.parse(url)
        self.url = address.url
        self._retries = Retries() if retries is None else retries
        self._timeout_s = timeout_s
        self._http = httpx.Client(
            base_url=address.url,
            timeout=timeouts(timeout_s),
            headers={"user-agent": USER_AGENT},
            trust_env=not address.is_loopback,
            transport=transport,
        )

    def predict(
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
        """Run one input or many through one task; predictions come in the inputs' order.

        With `truncate` false an input longer than the task takes is an InvalidRequest. `top_k` is
        for classification, multilabel and question answering, `threshold` for multilabel,
        `aggregation` for tagging, `max_answer_tokens` for question answering and `normalize` for
        embedding tasks; a task of another kind refuses it.

        Raises:
            TaskNotFound, VersionNotFound, AliasNotFound, InvalidRequest, TooLarge,
            BackboneMismatch, Overloaded, DeadlineExceeded: as their names say.
        """
        settings = Settings(
            top_k, timeout_ms, truncate, threshold, aggregation, max_answer_tokens, normalize
        )
        return self._perform(calls.predict(reference, inputs, settings))

    def predict_tasks(
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
        """Run every input through every task; a task that fails is a ProblemResult in its place."""
        settings = Settings(
            top_k, timeout_ms, truncate, threshold, aggregation, max_answer_tokens, normalize
        )
        return self._perform(calls.predict_tasks(references, inputs, settings))

    def predict_rows(
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
        """Run (reference, input) rows of any mix.

        A row that fails is a ProblemResult in its place.
        """
        settings = Settings(
            top_k, timeout_ms, truncate, threshold, aggregation, max_answer_tokens, normalize
        )
        return self._perform(calls.predict_rows(rows, settings))

    def tasks(
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
    ) -> Iterator[Task]:
        """Iterate over the tasks by name, page after page; every condition that is given must hold.

        `query` is a part of the name, `label` one of the labels, `tag` a tag of a version,
        `language` one of the card's languages, `licence` a part of its licence, and `text` a part
        of its description or of the name or source of its data.
        """
        where = TaskFilter(kind, query, label, tag, language, licence, text)
        after = None
        while True:
            page = self._perform(calls.tasks(where, after=after, limit=page_size))
            yield from page.tasks
            if (after := page.next) is None:
                return

    def task(self, name: str) -> Task:
        """Return one task. Raises: TaskNotFound."""
        return self._perform(calls.task(name))

    def versions(
        self, task: str, *, tag: str | None = None, page_size: int = calls.PAGE_SIZE
    ) -> Iterator[Version]:
        """Iterate over a task's versions, newest first; only those with a tag if one is given.

        Raises: TaskNotFound.
        """
        after = None
        while True:
            page = self._perform(calls.versions(task, tag=tag, after=after, limit=page_size))
            yield from page.versions
            if (after := page.next) is None:
                return

    def version(self, task: str, version: int) -> Version:
        """Return one version. Raises: TaskNotFound, VersionNotFound."""
        return self._perform(calls.version(task, version))

    def resolve(self, reference: str) -> Version:
        """Return the version that `task`, `task@7` or `task@alias` names.

        Raises: TaskNotFound, VersionNotFound, AliasNotFound.
        """
        name, target = split_reference(reference)
        number = target if isinstance(target, int) else pick_version(self.task(name), target)
        return self.version(name, number)

    def push(
        self,
        task: str,
        file: Path | str | bytes,
        *,
        alias: str | None = None,
        progress: Progress | None = None,
    ) -> Publication:
        """Publish an adapter file (a path, or its bytes) as a version of a task, durably.

        A task's first version becomes `live`; `alias` moves to the version if given. A file of more
        than 8 MiB goes in parts: where the connection is cut, the push goes on from there.

        Raises:
            InvalidAdapter: with every fault of the file.
            BackboneMismatch, TooLarge, QuotaExceeded, StorageFull: as their names say.
            UploadDigestMismatch: the file changed while it was sent.
            OSError: the file cannot be read.
        """
        source = UploadSource.of(file, progress=progress)
        if source.size_bytes <= WHOLE_BYTES:
            return self._perform(calls.push(task, source, alias=alias))
        push = PartsPush(task, source, source.digest(), alias, self._retries)
        return self._run(push.steps())

    def pull(
        self, reference: str, path: Path | str, *, progress: Progress | None = None
    ) -> Version:
        """Write the file of a version to `path`, whole and checked against its digest.

        Raises:
            TaskNotFound, VersionNotFound, AliasNotFound: as the reference says.
            DigestMismatch: the bytes are not the version's; `path` is as it was.
            OSError: the file cannot be written.
        """
        record = self.resolve(reference)
        self._attempt(lambda: self._download(record, Path(path), progress), "always")
        return record

    def ready(self) -> bool:
        """Return whether the server takes predictions. Raises: ConnectionFailed."""
        return self._perform(calls.ready())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self.close()

    def _download(self, record: Version, path: Path, progress: Progress | None) -> None:
        with (
            named_errors(self.url),
            self._http.stream("GET", calls.file_path(record)) as response,
        ):
            if not response.is_success:
                response.read()
                require_success(response)
            with Download(
                path, digest=record.digest, size_bytes=record.size_bytes, progress=progress
            ) as download:
                for chunk in response.iter_bytes():
                    download.write(chunk)
                download.commit()

    def _perform(self, call: Call[ResultT]) -> ResultT:
        return self._attempt(lambda: call.parse(self._send(call)), call.repeat)

    def _attempt(self, action: Callable[[], ResultT], repeat: Repeat) -> ResultT:
        attempt = 1
        while True:
            try:
                return action()
            except MultitapError as error:
                wait_s = self._retries.wait_s(error, attempt=attempt, repeat=repeat)
                if wait_s is None:
                    raise
            time.sleep(wait_s)
            attempt += 1

    def _run(self, steps: Steps[ResultT]) -> ResultT:
        answer: object = None
        error: Exception | None = None
        while True:
            try:
                step = steps.send(answer) if error is None else steps.throw(error)
            except StopIteration as end:
                return cast("ResultT", end.value)
            answer = error = None
            try:
                answer = self._take(step)
            except (MultitapError, OSError) as failure:
                error = failure

    def _take(self, step: Step) -> object:
        if isinstance(step, Pause):
            time.sleep(step.wait_s)
            return None
        return step.parse(self._send(step))

    def _send(self, call: Call[ResultT]) -> httpx.Response:
        with named_errors(self.url):
            return self._http.request(
                call.method,
                call.path,
                params=dict(call.params) or None,
                headers=call.headers(),
                content=call.body.chunks() if isinstance(call.body, UploadSource) else call.body,
                timeout=timeouts(call.timeout_s or self._timeout_s),
            )
