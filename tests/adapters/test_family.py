"""The table of families, and the page that states it."""

import re

import pytest

from multitap_adapters.family import FAMILIES


def _names(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


@pytest.fixture(scope="module")
def tables(pytestconfig: pytest.Config) -> dict[str, set[str]]:
    """Return every name in the documentation's row of each family."""
    page = (pytestconfig.rootpath / "docs" / "adapter-file.md").read_text(encoding="utf-8")
    table = page.split("| `model_type` | prefix", 1)[1].split("\n\n", 1)[0]
    found: dict[str, set[str]] = {}
    for line in table.splitlines()[2:]:
        _, model_types, rest = line.split("|", 2)
        for name in _names(model_types):
            found[name] = _names(rest)
    layers = {name for name in found["bert"] if not name.startswith("embeddings.")}
    for name in ("roberta", "xlm-roberta", "camembert", "electra"):
        found[name] |= layers
    return found


def test_every_family_goes_by_its_own_model_type() -> None:
    assert all(name == family.model_type for name, family in FAMILIES.items())


@pytest.mark.parametrize("model_type", FAMILIES)
def test_the_documentation_names_every_part_of_a_family(
    tables: dict[str, set[str]], model_type: str
) -> None:
    family = FAMILIES[model_type]

    named = {family.prefix, family.layer_prefix.format("<n>"), *family.layer.parts()}

    assert named <= tables[model_type]
    assert ("embeddings_project" in tables[model_type]) == (
        family.fields.embedding_size is not None
    )


def test_layer_names_are_whole() -> None:
    assert FAMILIES["bert"].layer_names(7).query == "encoder.layer.7.attention.self.query"
    assert FAMILIES["distilbert"].layer_names(0).ffn_norm == "transformer.layer.0.output_layer_norm"
