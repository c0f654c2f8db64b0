"""The specification's JSON Schema, as kept in docs/adapter-spec.schema.json.

To renew it: ``python -c "from multitap_adapters.file.schema import spec_schema_text as text;
print(text(), end='')" > docs/adapter-spec.schema.json``.
"""

import json

from multitap_adapters.spec import AdapterSpec

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def spec_schema() -> dict[str, object]:
    """Return the JSON Schema of what a reader accepts; conditions across fields are not in it."""
    schema: dict[str, object] = {"$schema": _DIALECT, **AdapterSpec.model_json_schema()}
    # A reader takes defaults for everything but the number that says what the defaults are.
    schema["required"] = ["format", "backbone", "max_tokens", "head"]
    return schema


def spec_schema_text() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(spec_schema(), indent=2, ensure_ascii=False) + "\n"
