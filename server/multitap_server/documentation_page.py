"""A page for people out of the OpenAPI document: one file, no script, nothing from elsewhere."""

import json
from html import escape
from typing import Final

from multitap.wire import JsonObject

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem }
h2 { font-size: 1.1rem; margin: 2rem 0 0 } code, pre { font: 0.9rem/1.4 ui-monospace, monospace }
pre { background: #f3f3f3; padding: 0.75rem; overflow-x: auto } dt { font-weight: 600 }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #e8e8e8 }
pre { background: #242424 } a { color: #8ab4f8 } }
"""


def render_page(document: JsonObject) -> str:
    """Return the page."""
    info = document["info"]
    operations = [
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}'
        f"</title><style>{_STYLE}</style><h1>{escape(info['title'])} {escape(info['version'])}"
        f"</h1><p>{escape(info['description'])} "
        'The same for programs: <a href="/openapi.json">openapi.json</a>.</p>'
        f"{''.join(operations)}</html>"
    )


def _operation(method: str, path: str, operation: JsonObject) -> str:
    parameters = "".join(_parameter(each) for each in operation.get("parameters", ()))
    responses = "".join(
        f"<dt>{escape(status)}</dt><dd>{escape(response['description'])}</dd>"
        for status, response in operation["responses"].items()
    )
    return (
        f"<h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p><b>{escape(operation['summary'])}.</b> {escape(operation.get('description', ''))}</p>"
        f"{parameters and f'<dl>{parameters}</dl>'}{_examples(operation)}"
        f"<details><summary>Responses</summary><dl>{responses}</dl></details>"
    )


def _parameter(parameter: JsonObject) -> str:
    text = parameter.get("description") or parameter["in"]
    return f"<dt><code>{escape(parameter['name'])}</code></dt><dd>{escape(text)}</dd>"


def _examples(operation: JsonObject) -> str:
    content: JsonObject = operation.get("requestBody", {}).get("content", {})
    examples: JsonObject = content.get("application/json", {}).get("examples", {})
    return "".join(
        f"<pre>{escape(json.dumps(example['value'], indent=2))}</pre>"
        for example in examples.values()
    )
