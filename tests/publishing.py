"""Publishing in one line, for tests of everything that needs a filled registry."""

from multitap_registry.contract import Publication, Registry


def publish(
    registry: Registry,
    task: str,
    content: bytes,
    *,
    by: str = "anonymous",
    alias: str | None = None,
) -> Publication:
    """Upload a file and make it a version of a task."""
    with registry.begin_upload() as upload:
        upload.write(content)
        return registry.publish(task, upload, by=by, alias=alias)
