"""What the mathematics refuses.

AdapterError
├── UnsupportedBackbone   a model folder that cannot be run
├── UnsupportedSpec       a well-formed specification whose method or head cannot be run
└── WrongBackbone         an adapter made for another backbone
"""


class AdapterError(Exception):
    """Base of what this package refuses, besides faults of files."""


class UnsupportedBackbone(AdapterError):
    """The model in a folder cannot be run by this encoder."""


class UnsupportedSpec(AdapterError):
    """The specification is well formed, and names something that cannot be run."""


class WrongBackbone(AdapterError):
    """The adapter names another backbone."""

    def __init__(self, field: str, *, expected: object, found: object) -> None:
        self.field = field
        self.expected = expected
        self.found = found
        super().__init__(f"the adapter's backbone has {field} {found!r}, this one {expected!r}")
