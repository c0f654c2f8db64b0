"""The grammars that every part of multitap shares: task names and digests."""

from typing import Annotated

from pydantic import StringConstraints

TASK_PATTERN = r"^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$"
DIGEST_PATTERN = r"^sha256:[0-9a-f]{64}$"

TaskName = Annotated[str, StringConstraints(pattern=TASK_PATTERN)]
Digest = Annotated[str, StringConstraints(pattern=DIGEST_PATTERN)]
