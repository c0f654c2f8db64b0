"""A program that fills a disk: ``python fill_disk.py FOLDER``, in a small file system of its own.

It publishes until nothing more fits, frees some space, publishes again without a restart, opens
the registry anew, and says what it found as JSON.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from multitap_registry.contract import Registry
from multitap_registry.errors import RegistryError
from multitap_registry.folder import open_registry
from publishing import publish
from sample_adapters import sample_adapter

RESERVE_BYTES = 256 * 1024
LARGE = tuple(f"label-{number}" for number in range(1_000))
SMALL = ("no", "yes")


def refusal(call: Callable[[], object]) -> str | None:
    """Return the name of the error that a call raises, if any."""
    try:
        call()
    except RegistryError as error:
        return type(error).__name__
    return None


def publish_until_refused(registry: Registry, seed: int, labels: tuple[str, ...]) -> str:
    """Publish ever more files; return the name of the error that ends it."""
    error = None
    while error is None:
        content = sample_adapter(seed, labels=labels)
        error = refusal(partial(publish, registry, "spam", content))
        seed += 1
    return error


def main(folder: Path) -> dict[str, object]:
    """Fill the disk, free some of it, and go on."""
    reserve = folder.with_name("reserve")
    reserve.write_bytes(b"x" * RESERVE_BYTES)
    with open_registry(folder) as registry:
        errors = [
            publish_until_refused(registry, 0, LARGE),
            publish_until_refused(registry, 1_000_000, SMALL),
            publish_until_refused(registry, 2_000_000, SMALL),
        ]
        staged = [path.name for path in (folder / "staging").iterdir()]
        full = registry.task("spam").versions
        move = refusal(lambda: registry.point("spam", "candidate", 1, by="somebody"))
        reserve.unlink()
        after = publish(registry, "spam", sample_adapter(3_000_000)).record.version
    with open_registry(folder) as registry:
        records = registry.versions("spam", limit=100_000).records
        whole = [r.version for r in records if registry.read_blob(r.digest)]
    return {
        "errors": errors,
        "staged": staged,
        "full": full,
        "move": move,
        "after": after,
        "whole": whole,
    }


if __name__ == "__main__":
    json.dump(main(Path(sys.argv[1])), sys.stdout)
