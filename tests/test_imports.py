"""Who may import whom, and what stays out of where: docs/architecture.md, over the syntax trees."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from source_tree import PACKAGES, Import, Module, modules, within

# What each package may import of ours, besides itself, at module level.
_MAY_IMPORT = {
    "multitap": (),
    "multitap_adapters": (),
    "multitap_registry": ("multitap_adapters.spec", "multitap_adapters.file"),
    "multitap_training": ("multitap", "multitap_adapters"),
    "multitap_server": ("multitap", "multitap_adapters", "multitap_registry"),
}
# Verbs that run the other packages. The command imports these only when their verb is called.
_RUN_BY_THE_COMMAND = (
    "multitap.command.copying_run",
    "multitap.command.gc_run",
    "multitap.command.importing_run",
    "multitap.command.serving_run",
    "multitap.command.training_run",
    "multitap.command.verifying_run",
)
_TENSOR_LIBRARIES = ("torch", "transformers", "safetensors", "tokenizers")
_HEAVY = (
    *_TENSOR_LIBRARIES,
    "alembic",
    "fastapi",
    "numpy",
    "obstore",
    "psycopg",
    "sqlalchemy",
    "starlette",
    "typer",
    "uvicorn",
)
_PICKLES = ("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
_UNPICKLING_CALLS = ("torch.load", "numpy.load", "np.load", "pandas.read_pickle")
_BIN_READERS = ("multitap_adapters.importing.bin_file",)


@pytest.fixture(scope="module")
def sources(pytestconfig: pytest.Config) -> list[Module]:
    """Return every module of ours."""
    return modules(pytestconfig.rootpath)


def _ours(module: Module) -> Iterator[Import]:
    """Yield what a module imports of other packages of ours."""
    others = [package for package in PACKAGES if package != module.package]
    return (found for found in module.imports if within(found.module, *others))


def _at(module: Module, line: int, what: str) -> str:
    return f"{module.path}:{line} {what}"


def test_every_package_is_there(sources: list[Module]) -> None:
    assert {module.package for module in sources} == set(PACKAGES)


def test_packages_import_only_the_packages_below_them(sources: list[Module]) -> None:
    wrong = [
        _at(module, found.line, found.module)
        for module in sources
        if module.name not in _RUN_BY_THE_COMMAND
        for found in _ours(module)
        if not within(found.module, *_MAY_IMPORT[module.package])
        and not (module.package == "multitap" and (found.lazy or found.typing))
    ]

    assert wrong == []


def test_nothing_imports_at_module_level_what_the_command_loads_on_demand(
    sources: list[Module],
) -> None:
    wrong = [
        _at(module, found.line, found.module)
        for module in sources
        for found in module.imports
        if within(found.module, *_RUN_BY_THE_COMMAND) and not (found.lazy or found.typing)
    ]

    assert wrong == []


def test_only_the_command_imports_other_packages_of_ours_from_the_client(
    sources: list[Module],
) -> None:
    wrong = [
        _at(module, found.line, found.module)
        for module in sources
        if module.package == "multitap" and not within(module.name, "multitap.command")
        for found in _ours(module)
    ]

    assert wrong == []


def test_a_module_imported_by_its_name_is_of_the_same_package(sources: list[Module]) -> None:
    wrong = [
        _at(module, node.lineno, ast.unparse(node))
        for module in sources
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("importlib.import_module", "import_module", "__import__")
        and not ast.unparse(node.args[0]).startswith(
            (f"f'{module.package}.", f"'{module.package}.")
        )
    ]

    assert wrong == []


@pytest.mark.parametrize(
    "package",
    ["multitap_adapters.spec", "multitap_adapters.file", "multitap_registry", "multitap"],
)
def test_no_tensor_library_in_the_specification_the_file_the_registry_and_the_client(
    sources: list[Module], package: str
) -> None:
    wrong = [
        _at(module, found.line, found.module)
        for module in sources
        if within(module.name, package) and module.name not in _RUN_BY_THE_COMMAND
        for found in module.imports
        if within(found.module, *_TENSOR_LIBRARIES)
    ]

    assert wrong == []


def test_the_specification_and_the_file_import_nothing_else_of_the_adapters(
    sources: list[Module],
) -> None:
    light = ("multitap_adapters.spec", "multitap_adapters.file")
    wrong = [
        _at(module, found.line, found.module)
        for module in sources
        if within(module.name, *light)
        for found in module.imports
        if within(found.module, "multitap_adapters") and not within(found.module, *light)
    ]

    assert wrong == []


def test_package_files_import_nothing_heavy(sources: list[Module]) -> None:
    wrong = [
        _at(module, found.line, found.module)
        for module in sources
        if module.path.name == "__init__.py"
        for found in module.imports
        if within(found.module, *_HEAVY) and not found.lazy
    ]

    assert wrong == []


def test_transformers_is_for_tests_alone(sources: list[Module]) -> None:
    wrong = [
        _at(module, found.line, found.module)
        for module in sources
        for found in module.imports
        if within(found.module, "transformers")
    ]

    assert wrong == []


def test_nothing_unpickles(sources: list[Module]) -> None:
    imported = [
        _at(module, found.line, found.module)
        for module in sources
        for found in module.imports
        if within(found.module, *_PICKLES, "torch.load", "numpy.load")
    ]
    called = [
        _at(module, node.lineno, ast.unparse(node))
        for module in sources
        if module.name not in _BIN_READERS
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in _UNPICKLING_CALLS
    ]

    assert imported + called == []


def test_one_module_reads_old_weights_files_and_builds_nothing_but_tensors_of_them(
    sources: list[Module],
) -> None:
    (reader,) = (module for module in sources if module.name in _BIN_READERS)
    calls = [
        node
        for node in ast.walk(reader.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in _UNPICKLING_CALLS
    ]

    settings = {keyword.arg: ast.unparse(keyword.value) for keyword in calls[0].keywords}
    assert len(calls) == 1
    assert settings["weights_only"] == "True"


def test_the_server_and_the_registry_never_import_importers(sources: list[Module]) -> None:
    wrong = [
        _at(module, found.line, found.module)
        for module in sources
        if module.package in ("multitap_server", "multitap_registry", "multitap_training")
        for found in module.imports
        if within(found.module, "multitap_adapters.importing")
    ]

    assert wrong == []


@pytest.mark.parametrize(
    "package", ["multitap", "multitap_adapters.file", "multitap_adapters.spec", "multitap_registry"]
)
def test_importing_a_light_package_brings_no_tensor_library(package: str) -> None:
    code = f"import sys, {package}; print(*sorted({{n.partition('.')[0] for n in sys.modules}}))"

    output = subprocess.run(  # noqa: S603  (this interpreter, fixed code)
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout

    assert set(output.split()).isdisjoint(_TENSOR_LIBRARIES)


_EXAMPLE = """
import torch
from . import sibling
from .inner.deep import name
from ..other import thing
if TYPE_CHECKING:
    from torch import Tensor
class C:
    def f(self):
        import numpy as np
        return lambda: __import__("x")
"""


def test_imports_are_found_at_every_depth_and_made_absolute(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(_EXAMPLE)

    found = Module(path, "a.b.module").imports

    assert [(i.module, i.lazy, i.typing) for i in found] == [
        ("torch", False, False),
        ("a.b.sibling", False, False),
        ("a.b.inner.deep.name", False, False),
        ("a.other.thing", False, False),
        ("torch.Tensor", False, True),
        ("numpy", True, False),
    ]


def test_relative_imports_of_a_package_file_are_made_absolute(tmp_path: Path) -> None:
    path = tmp_path / "__init__.py"
    path.write_text("from .x import y\nfrom .. import z\n")

    assert [i.module for i in Module(path, "a.b").imports] == ["a.b.x.y", "a.z"]
