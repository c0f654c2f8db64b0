"""What `multitap` offers, and what importing it costs."""

import subprocess
import sys
from inspect import getmembers, isfunction, signature

import pytest

import multitap

HEAVY = ["torch", "numpy", "transformers", "safetensors", "fastapi", "starlette", "sqlalchemy"]
OURS = ["multitap_adapters", "multitap_registry", "multitap_server", "multitap_training"]


def modules_after(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has after a statement."""
    code = f"import sys\n{statement}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run(  # noqa: S603 (our own statement)
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_the_public_names_are_sorted() -> None:
    # ruff's order: constants, classes, then the rest
    assert multitap.__all__ == sorted(multitap.__all__, key=lambda name: (not name.isupper(), name))


@pytest.mark.parametrize("name", multitap.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(multitap, name) is not None


def test_every_error_is_public() -> None:
    from_codes = {error.__name__ for error in multitap.errors.BY_CODE.values()}

    assert from_codes <= set(multitap.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    name = "Klient"

    with pytest.raises(AttributeError, match="module 'multitap' has no attribute 'Klient'"):
        getattr(multitap, name)


def methods(client: type) -> dict[str, list[str]]:
    """Return a client's public methods with their parameters."""
    return {
        name: list(signature(member).parameters)
        for name, member in getmembers(client, isfunction)
        if not name.startswith("_")
    }


def test_both_clients_offer_the_same() -> None:
    asynchronous = methods(multitap.AsyncClient)
    asynchronous["close"] = asynchronous.pop("aclose")

    assert asynchronous == methods(multitap.Client)


@pytest.mark.parametrize(
    "statement",
    [
        "import multitap; [getattr(multitap, name) for name in multitap.__all__]",
        "import multitap.command",
    ],
)
def test_the_client_and_the_command_import_nothing_heavy(statement: str) -> None:
    assert modules_after(statement).isdisjoint([*HEAVY, *OURS])


def test_help_needs_no_http_client() -> None:
    statement = "from multitap.command import main; main(['--help'])"

    assert modules_after(statement).isdisjoint(["httpx", "pydantic"])
