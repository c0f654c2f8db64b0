"""The calls that change tasks, versions and aliases, and those that tell of the past. Pure."""

from .answers import reader, require_success
from .calls import GRACE_S, Call, JsonValue, encode, segment
from .logs import AliasHistory, AuditList, EventList
from .retries import Repeat
from .unset import UNSET, Unset
from .wire import Version


def point(
    name: str,
    alias: str,
    number: int,
    *,
    expected: int | Unset | None = UNSET,
    reason: str | None = None,
) -> Call[Version]:
    """PUT /tasks/{task}/aliases/{alias}."""
    return Call(
        "PUT",
        _alias_path(name, alias),
        reader(Version),
        body=encode({"version": number, **_condition(expected, reason)}),
        repeat=_repeat(expected),
    )


def rollback(
    name: str,
    alias: str,
    *,
    expected: int | Unset | None = UNSET,
    reason: str | None = None,
) -> Call[Version]:
    """POST /tasks/{task}/aliases/{alias}/rollback."""
    return Call(
        "POST",
        f"{_alias_path(name, alias)}/rollback",
        reader(Version),
        body=encode(_condition(expected, reason)),
        repeat=_repeat(expected),
    )


def history(name: str, alias: str) -> Call[AliasHistory]:
    """GET /tasks/{task}/aliases/{alias}/history."""
    return Call("GET", f"{_alias_path(name, alias)}/history", reader(AliasHistory))


def delete_alias(
    name: str, alias: str, *, expected: int | None = None, reason: str | None = None
) -> Call[None]:
    """DELETE /tasks/{task}/aliases/{alias}."""
    params = _reason(reason) | ({} if expected is None else {"expected": str(expected)})
    return Call(
        "DELETE",
        _alias_path(name, alias),
        require_success,
        params=params,
        repeat="unsent" if expected is None else "always",
    )


def delete_version(name: str, number: int, *, reason: str | None = None) -> Call[Version]:
    """DELETE /tasks/{task}/versions/{version}."""
    path = _version_path(name, number)
    return Call("DELETE", path, reader(Version), params=_reason(reason))


def delete_task(name: str, *, force: bool = False, reason: str | None = None) -> Call[None]:
    """DELETE /tasks/{task}."""
    params = _reason(reason) | ({"force": "true"} if force else {})
    path = f"/tasks/{segment(name)}"
    return Call("DELETE", path, require_success, params=params, repeat="unsent")


def tag(name: str, number: int, text: str) -> Call[Version]:
    """PUT /tasks/{task}/versions/{version}/tags/{tag}."""
    return Call("PUT", f"{_version_path(name, number)}/tags/{segment(text)}", reader(Version))


def untag(name: str, number: int, text: str) -> Call[Version]:
    """DELETE /tasks/{task}/versions/{version}/tags/{tag}."""
    return Call("DELETE", f"{_version_path(name, number)}/tags/{segment(text)}", reader(Version))


def events(*, after: int, wait_s: float, limit: int) -> Call[EventList]:
    """GET /events: one page, waited for if need be."""
    params = {"after": str(after), "limit": str(limit)}
    params |= {"wait_s": f"{wait_s:g}"} if wait_s > 0 else {}
    timeout_s = wait_s + GRACE_S if wait_s > 0 else None
    return Call("GET", "/events", reader(EventList), params=params, timeout_s=timeout_s)


def audit(*, after: int, limit: int) -> Call[AuditList]:
    """GET /audit: one page."""
    params = {"after": str(after), "limit": str(limit)}
    return Call("GET", "/audit", reader(AuditList), params=params)


def _condition(expected: int | Unset | None, reason: str | None) -> dict[str, JsonValue]:
    condition: dict[str, JsonValue] = {}
    if not isinstance(expected, Unset):
        condition["expected"] = expected
    if reason is not None:
        condition["reason"] = reason
    return condition


def _repeat(expected: int | Unset | None) -> Repeat:
    return "unsent" if isinstance(expected, Unset) else "always"


def _reason(reason: str | None) -> dict[str, str]:
    return {} if reason is None else {"reason": reason}


def _alias_path(name: str, alias: str) -> str:
    return f"/tasks/{segment(name)}/aliases/{segment(alias)}"


def _version_path(name: str, number: int) -> str:
    return f"/tasks/{segment(name)}/versions/{number}"
