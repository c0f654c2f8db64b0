"""docs/answers.md names every kind, every parameter and every field of a prediction."""

import re
from pathlib import Path
from typing import get_args

import pytest

from multitap.predictions import PREDICTIONS
from multitap.wire import HeadKind, Parameters
from multitap_server.rows import FORMS, PARAMETERS

PAGE = (Path(__file__).parents[2] / "docs" / "answers.md").read_text()
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
EVERYWHERE = {"timeout_ms", "truncate"}


def test_every_kind_has_its_tables() -> None:
    assert set(get_args(HeadKind)) == set(PARAMETERS) == set(FORMS) <= set(SECTIONS)
    assert set(Parameters.model_fields) == set().union(*PARAMETERS.values())


@pytest.mark.parametrize("kind", get_args(HeadKind))
def test_a_kind_s_section_names_its_parameters_and_its_row_the_fields(kind: HeadKind) -> None:
    for parameter in PARAMETERS[kind] - EVERYWHERE:
        assert f"`{parameter}`" in SECTIONS[kind]
    assert all(f"`{parameter}`" in PAGE for parameter in EVERYWHERE)
    [row] = re.findall(rf"^\| `{kind}` \|.*$", PAGE, re.MULTILINE)
    for field in PREDICTIONS[kind].model_fields:
        assert f'"{field}"' in row
