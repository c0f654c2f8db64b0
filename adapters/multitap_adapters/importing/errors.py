"""What importing and exporting refuse.

AdapterError
├── FolderRefused    a folder that cannot be imported faithfully
└── ExportRefused    an adapter file that the other library's format cannot express
"""

from pydantic import ValidationError

from multitap_adapters.errors import AdapterError


class FolderRefused(AdapterError):
    """The folder, or what it asks for, cannot be imported faithfully; the message says why."""


class ExportRefused(AdapterError):
    """The adapter cannot be expressed in the other format; the message says why."""


def first_fault(error: ValidationError) -> str:
    """Return the first thing that is wrong with a specification, in one line."""
    detail = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(step) for step in detail["loc"][:1])
    message = detail["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
