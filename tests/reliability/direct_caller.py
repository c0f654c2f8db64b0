"""The calls of the harness to a registry in this process."""

from collections.abc import Callable
from functools import partial

from multitap_adapters.file import AdapterFileError
from multitap_registry.contract import UNSET, Publication, Registry, Unset, VersionRecord
from multitap_registry.errors import RegistryError, StorageFull, StorageUnavailable
from multitap_registry.sql import SqlRegistry
from multitap_server.problems import EXCEPTIONS

from .calls import UNKNOWN, Answer, Call, content
from .garbage import collect_garbage

_BY = "harness"


class DirectCaller:
    """Calls a registry; where its storage fails, what came of the call is unknown."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def perform(self, call: Call) -> Answer:
        """Make a call."""
        return self._outcome(partial(self._perform, call))

    def perform_in_parts(self, call: Call) -> Answer:
        """Publish by an upload session of two parts."""
        return self._outcome(partial(self._publish_session, call))

    def collect_garbage(self) -> None:
        """Remove what no version needs; a registry in memory has nothing to remove."""
        if isinstance(self._registry, SqlRegistry):
            collect_garbage(self._registry.database, self._registry.blobs)

    def unfinished_seed(self) -> int | None:
        """Return None: nothing is left open."""
        return None

    @staticmethod
    def _outcome(call: Callable[[], Answer]) -> Answer:
        try:
            return call()
        except (StorageFull, StorageUnavailable):
            return UNKNOWN
        except (RegistryError, AdapterFileError) as error:
            return Answer("refused", EXCEPTIONS[type(error)])

    def _perform(self, call: Call) -> Answer:
        match call.verb:
            case "publish":
                return self._publish(call)
            case "reject":
                self._registry.reject(call.task, by=_BY, reason="none", request_id=call.id)
                return Answer("refused", "invalid_adapter")
            case "point" | "rollback" | "delete_version" | "tag" | "untag":
                return Answer("ok", version=self._change(call).version)
            case "delete_alias":
                self._registry.delete_alias(
                    call.task, _alias(call), by=_BY, expected=_expected(call), request_id=call.id
                )
                return Answer("ok")
            case "delete_task":
                self._registry.delete_task(call.task, by=_BY, force=call.force, request_id=call.id)
                return Answer("ok")
            case "look":
                return Answer("ok", version=self._registry.task(call.task).live)

    def _change(self, call: Call) -> VersionRecord:
        registry, task, number = self._registry, call.task, call.version
        if call.verb == "point":
            return registry.point(
                task,
                _alias(call),
                number,
                by=_BY,
                expected=_expected(call),
                request_id=call.id,
            )
        if call.verb == "rollback":
            return registry.rollback(
                task, _alias(call), by=_BY, expected=_expected(call), request_id=call.id
            )
        if call.verb == "delete_version":
            return registry.delete_version(task, number, by=_BY, request_id=call.id)
        tags = {"add" if call.verb == "tag" else "remove": [call.tag]}
        return registry.tag(task, number, by=_BY, request_id=call.id, **tags)

    def _publish(self, call: Call) -> Answer:
        with self._registry.begin_upload() as upload:
            upload.write(content(call.seed))
            return _published(
                self._registry.publish(
                    call.task, upload, by=_BY, alias=call.alias, request_id=call.id
                )
            )

    def _publish_session(self, call: Call) -> Answer:
        whole, sessions = content(call.seed), self._registry.sessions
        session = sessions.open(len(whole), digest=None)
        for part in (whole[:300], whole[300:]):
            with sessions.append(session.id, offset=sessions.get(session.id).offset) as writer:
                writer.write(part)
        with sessions.complete(session.id, digest=None) as upload:
            return _published(
                self._registry.publish(
                    call.task, upload, by=_BY, alias=call.alias, request_id=call.id
                )
            )


def _published(publication: Publication) -> Answer:
    return Answer("ok", version=publication.record.version, created=publication.created)


def _alias(call: Call) -> str:
    if call.alias is None:
        raise ValueError(f"call {call.id!r} names no alias")
    return call.alias


def _expected(call: Call) -> int | Unset | None:
    return UNSET if call.expected == "anywhere" else call.expected
