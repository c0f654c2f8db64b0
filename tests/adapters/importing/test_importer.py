"""From folders to one file: stacks, the card, and the head of a folder without one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from torch.testing import assert_close

from library_folders import (
    HEAD,
    HIDDEN,
    LORA,
    PFEIFFER,
    Shape,
    Tensors,
    bottleneck_tensors,
    linear,
    random_tensors,
    to_bin,
    write_hub,
    write_peft,
)
from multitap_adapters.adapter import Adapter
from multitap_adapters.backbone import Backbone
from multitap_adapters.file import parse_adapter, read_adapter
from multitap_adapters.importing.errors import FolderRefused
from multitap_adapters.importing.importer import ImportedAdapter, task_name, tensor_data
from multitap_adapters.importing.parts import HeadChoice
from multitap_adapters.loading import float_tensors, load_adapter

Imported = Callable[..., ImportedAdapter]

NICE = {**PFEIFFER, "inv_adapter": "nice", "inv_adapter_reduction_factor": 2}


@pytest.fixture
def language(tmp_path: Path) -> Path:
    """A language adapter: a block after the embeddings, and bottlenecks."""
    shapes: dict[str, Shape] = {}
    for function in ("F", "G"):
        at = f"bert.invertible_adapters.de.{function}"
        shapes |= linear(f"{at}.0", HIDDEN // 2, 8) | linear(f"{at}.2", 8, HIDDEN // 2)
    values: Tensors = bottleneck_tensors(name="de", size=2) | random_tensors(shapes)
    return write_hub(tmp_path / "de", {**NICE, "reduction_factor": 16}, values, name="de")


def test_a_stack_has_the_languages_modules_below_the_tasks(
    tmp_path: Path, imported: Imported, language: Path
) -> None:
    task = write_hub(tmp_path / "task", head=HEAD)

    made = imported(task, language=language)

    methods = [module.method for module in made.spec.modules]
    assert methods == ["invertible", "bottleneck", "bottleneck"]
    assert (made.spec.head.kind, made.spec.card.task) == ("classification", "task")
    stacked = float_tensors(parse_adapter(made.data))
    alone = float_tensors(parse_adapter(imported(task).data))
    assert_close(
        stacked["modules.2.layers.1.ffn.up.weight"], alone["modules.0.layers.1.ffn.up.weight"]
    )


def test_a_stack_runs(
    tmp_path: Path, imported: Imported, language: Path, tiny_backbone: Backbone
) -> None:
    made = imported(write_hub(tmp_path / "task", head=HEAD), language=language)

    adapter = load_adapter(parse_adapter(made.data), tiny_backbone)

    assert isinstance(adapter, Adapter)


def test_a_language_adapters_head_is_left_out_of_a_stack(
    tmp_path: Path, imported: Imported
) -> None:
    language = write_hub(tmp_path / "de", head={**HEAD, "head_type": "masked_lm"})
    task = write_hub(tmp_path / "task", head=HEAD)

    assert imported(task, language=language).spec.head.labels == ("no", "yes")


def test_a_task_of_another_library_can_stand_on_a_language_adapter(
    tmp_path: Path, imported: Imported, language: Path
) -> None:
    choice = HeadChoice(labels=("a", "b", "c"))

    made = imported(write_peft(tmp_path / "task"), language=language, choice=choice)

    assert [m.method for m in made.spec.modules] == ["invertible", "bottleneck", "lora"]


def test_a_block_on_top_is_refused(tmp_path: Path, imported: Imported, language: Path) -> None:
    below = write_hub(tmp_path / "below")

    with pytest.raises(FolderRefused, match="the library's own stack runs the lowest adapter's"):
        imported(language, language=below)


def test_the_task_on_the_card_can_be_given(tmp_path: Path, imported: Imported) -> None:
    made = imported(write_hub(tmp_path / "a"), task="films")

    assert made.spec.card.task == "films"
    assert made.spec.card.extra["source_name"] == "task"


def test_a_task_that_is_no_name_is_refused(tmp_path: Path, imported: Imported) -> None:
    with pytest.raises(FolderRefused, match="the adapter cannot be expressed: task"):
        imported(write_hub(tmp_path / "a"), task="Bad Name")


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("sst-2", "sst-2"),
        ("SST 2", "sst-2"),
        ("sentiment/sst-2@ukp", "sentiment-sst-2-ukp"),
        ("../../etc", "etc"),
        ("日本", None),
        ("", None),
        (None, None),
        ("x" * 100, "x" * 63),
    ],
)
def test_an_adapters_name_gives_a_tasks_name(name: str | None, task: str | None) -> None:
    assert task_name(name) == task


def test_labels_without_a_head_are_refused(tmp_path: Path, imported: Imported) -> None:
    with pytest.raises(FolderRefused, match="has no head that labels could belong to"):
        imported(write_hub(tmp_path / "a"), choice=HeadChoice(labels=("a", "b")))


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path, imported: Imported) -> None:
    folder = write_hub(tmp_path / "a", head=HEAD)

    assert imported(folder).data == imported(folder).data


def test_a_file_can_be_read_and_names_the_backbone(
    tmp_path: Path, imported: Imported, tiny_backbone: Backbone
) -> None:
    made = imported(write_hub(tmp_path / "a", head=HEAD))
    (tmp_path / "a.safetensors").write_bytes(made.data)

    file = read_adapter(tmp_path / "a.safetensors")

    assert file.spec == made.spec
    assert file.spec.backbone == tiny_backbone.identity


@pytest.mark.parametrize("dtype", ["half", "bfloat16"])
def test_values_keep_the_type_that_they_have(
    tmp_path: Path, imported: Imported, dtype: str
) -> None:
    values = {name: getattr(t, dtype)() for name, t in bottleneck_tensors().items()}

    file = parse_adapter(imported(write_hub(tmp_path / "a", tensors=values)).data)

    stored = values["bert.encoder.layer.0.output.adapters.task.adapter_up.weight"]
    found = file.tensors["modules.0.layers.0.ffn.up.weight"]
    assert (found.dtype, bytes(found.data)) == (
        {"half": "F16", "bfloat16": "BF16"}[dtype],
        tensor_data(stored).data,
    )


def test_a_hub_repository_with_one_folder_inside_is_imported(
    tmp_path: Path, imported: Imported
) -> None:
    write_hub(tmp_path / "repository" / "pfeiffer", head=HEAD)

    assert imported(tmp_path / "repository").spec.card.task == "task"


@pytest.mark.parametrize("kept", [50, -10])
def test_a_folder_with_a_file_that_is_cut_off_is_refused(
    tmp_path: Path, imported: Imported, kept: int
) -> None:
    for folder in (write_hub(tmp_path / "a"), to_bin(write_peft(tmp_path / "b", LORA))):
        (weights,) = (path for path in folder.iterdir() if path.suffix != ".json")
        weights.write_bytes(weights.read_bytes()[:kept])

        with pytest.raises(FolderRefused, match=r"is no safetensors file|is cut off or damaged"):
            imported(folder)
