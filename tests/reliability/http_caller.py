"""The calls of the harness over HTTP, each with its own request id."""

from dataclasses import dataclass, field
from pathlib import Path

import httpx

from .calls import UNKNOWN, Answer, Call, content
from .garbage import collect_beside

_FILE = {"content-type": "application/octet-stream"}
_ROUTES = {
    "point": ("PUT", "/tasks/{call.task}/aliases/{call.alias}"),
    "rollback": ("POST", "/tasks/{call.task}/aliases/{call.alias}/rollback"),
    "delete_alias": ("DELETE", "/tasks/{call.task}/aliases/{call.alias}"),
    "delete_version": ("DELETE", "/tasks/{call.task}/versions/{call.version}"),
    "delete_task": ("DELETE", "/tasks/{call.task}"),
    "tag": ("PUT", "/tasks/{call.task}/versions/{call.version}/tags/{call.tag}"),
    "untag": ("DELETE", "/tasks/{call.task}/versions/{call.version}/tags/{call.tag}"),
    "look": ("GET", "/tasks/{call.task}"),
}
_CREATED = 201
_NO_CONTENT = 204
_PARTS = 3
_TIMEOUT_S = 60


class LostPartError(Exception):
    """Bytes of an upload that were acknowledged are gone."""


@dataclass
class Unfinished:
    """An upload in parts that was cut off: where it is, and how much of it was acknowledged."""

    place: str
    seed: int
    acknowledged: int = 0


@dataclass
class HttpCaller:
    """A client of a server that may be killed at any moment; `connect` leads to its successor."""

    url: str = ""
    folder: Path | None = None
    http: httpx.Client = field(
        default_factory=lambda: httpx.Client(timeout=_TIMEOUT_S, trust_env=False)
    )
    unfinished: list[Unfinished] = field(default_factory=list[Unfinished])

    def connect(self, url: str, folder: Path) -> None:
        """Speak to a server from now on, whose registry is in a folder of this machine."""
        self.url, self.folder = url, folder

    def perform(self, call: Call) -> Answer:
        """Make a call; one whose answer did not come whole is unknown."""
        try:
            response = self._send(call)
        except httpx.TransportError:
            return UNKNOWN
        return _answer(call, response)

    def perform_in_parts(self, call: Call) -> Answer:
        """Publish by an upload in parts: the one that was cut off, if there is one.

        Raises:
            LostPartError: acknowledged bytes of it are gone.
        """
        try:
            upload = self.unfinished.pop() if self.unfinished else self._open(call.seed)
            self._finish(upload)
        except httpx.TransportError:
            return UNKNOWN
        path = f"{self.url}/tasks/{call.task}/versions"
        try:
            response = self.http.post(
                path, params={"upload": upload.place.rpartition("/")[2]}, headers=_headers(call)
            )
        except httpx.TransportError:
            return UNKNOWN
        return _answer(call, response)

    def collect_garbage(self) -> None:
        """Remove what no version needs from beside the server."""
        if self.folder is not None:
            collect_beside(self.folder)

    def unfinished_seed(self) -> int | None:
        """Return the adapter of the upload in parts that would be finished next."""
        return self.unfinished[-1].seed if self.unfinished else None

    def _open(self, seed: int) -> Unfinished:
        response = self.http.post(f"{self.url}/uploads", json={"size_bytes": len(content(seed))})
        return Unfinished(response.raise_for_status().headers["location"], seed)

    def _finish(self, upload: Unfinished) -> None:
        """Send what is missing, part by part; remember the upload where that is cut off."""
        whole = content(upload.seed)
        try:
            status = self.http.get(self.url + upload.place)
            offset = int(status.json()["offset"]) if status.is_success else 0
            if not upload.acknowledged <= offset <= len(whole):
                raise LostPartError(
                    f"upload {upload.place} has {offset} bytes (status {status.status_code}),"
                    f" and {upload.acknowledged} were acknowledged"
                )
            while offset < len(whole):
                end = min(len(whole), offset + len(whole) // _PARTS + 1)
                response = self.http.patch(
                    self.url + upload.place,
                    content=whole[offset:end],
                    headers=_FILE | {"upload-offset": str(offset)},
                )
                offset = int(response.raise_for_status().headers["upload-offset"])
                upload.acknowledged = offset
        except httpx.TransportError:
            self.unfinished.append(upload)
            raise

    def _send(self, call: Call) -> httpx.Response:
        if call.verb in {"publish", "reject"}:
            return self._upload(call)
        method, path = _ROUTES[call.verb]
        return self.http.request(
            method,
            self.url + path.format(call=call),
            params={"force": "true"} if call.force else None,
            json=_body(call),
            headers=_headers(call),
        )

    def _upload(self, call: Call) -> httpx.Response:
        return self.http.post(
            f"{self.url}/tasks/{call.task}/versions",
            content=content(call.seed) if call.verb == "publish" else b"this is no adapter",
            params={} if call.alias is None else {"alias": call.alias},
            headers=_FILE | _headers(call),
        )


def _body(call: Call) -> dict[str, int | str | None] | None:
    """Return what a move of an alias says, None for calls without a body."""
    if call.verb not in {"point", "rollback"}:
        return None
    version = {"version": call.version} if call.verb == "point" else {}
    return {**version, **({} if call.expected == "anywhere" else {"expected": call.expected})}


def _headers(call: Call) -> dict[str, str]:
    return {"x-request-id": call.id}


def _answer(call: Call, response: httpx.Response) -> Answer:
    if not response.is_success:
        return Answer("refused", str(response.json()["code"]))
    if response.status_code == _NO_CONTENT:
        return Answer("ok")
    body = response.json()
    if call.verb == "look":
        return Answer("ok", version=body["live"])
    created = response.status_code == _CREATED
    return Answer("ok", version=int(body["version"]), created=created)
