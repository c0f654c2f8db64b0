"""The starter tasks: real adapters for the embedded backbone, one `<task>.safetensors` each.

An empty registry is filled with them at its first start, so that a new server answers at once. A
registry that has a task, any task, is left alone: what an operator removed does not come back.
"""

import logging
from pathlib import Path

from multitap_registry.contract import Registry
from multitap_server.engine.contract import Engine
from multitap_server.engine.errors import EngineError

FOLDER = Path(__file__).parent
PUBLISHER = "starter"

_log = logging.getLogger(__name__)


def publish_starter_tasks(
    registry: Registry, engine: Engine, folder: Path = FOLDER
) -> tuple[str, ...]:
    """Publish every starter task that this engine can run, if the registry is empty.

    Raises:
        RegistryError, AdapterFileError: a task could not be published.
    """
    if registry.tasks(limit=1).records:
        return ()
    published: list[str] = []
    for path in sorted(folder.glob("*.safetensors")):
        with registry.begin_upload() as upload:
            upload.write(path.read_bytes())
            file = upload.seal()
            try:
                engine.require_servable(file.spec)
            except EngineError as error:
                _log.info("starter task %s left out: %s", path.stem, error)
                continue
            registry.publish(path.stem, upload, by=PUBLISHER)
        published.append(path.stem)
    return tuple(published)
