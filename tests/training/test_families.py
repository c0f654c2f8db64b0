"""Training on every family: a toy task is learned, and served as well as its card says."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from byte_level import byte_level_tokenizer
from labelled_files import toy_rows, write_jsonl
from multitap_adapters.backbone import read_backbone
from multitap_adapters.file import parse_adapter
from multitap_adapters.linear import GradientLinear
from multitap_adapters.loading import load_adapter
from multitap_server.engine.contract import EncodedRow
from multitap_server.engine.runner import RunnableRow, Runner
from multitap_training import CardFacts, Files, TrainingSettings, train_adapter
from multitap_training.examples import read_examples
from tiny_backbone import FAMILY_CONFIGS, tiny_backbone_folder

_SETTINGS = TrainingSettings(size=8, epochs=10, learning_rate=1e-2, batch_size=16, max_tokens=500)


@pytest.fixture
def folder(family: str, tmp_path: Path) -> Path:
    """Return a folder of the family's tiny backbone, RoBERTa's with a tokenizer of its kind."""
    config = FAMILY_CONFIGS[family]
    if family != "roberta":
        return tiny_backbone_folder(tmp_path / "model", config=config)
    folder = tiny_backbone_folder(tmp_path / "model", config=replace(config, vocab_size=320))
    (folder / "tokenizer.json").write_text(byte_level_tokenizer().to_str(), encoding="utf-8")
    return folder


@pytest.mark.parametrize("family", ["roberta", "electra", "distilbert"])
def test_a_toy_task_is_learned_and_served_with_the_accuracy_on_its_card(
    folder: Path, tmp_path: Path
) -> None:
    files = Files(
        train=write_jsonl(tmp_path / "train.jsonl", toy_rows(160, 1)),
        validation=write_jsonl(tmp_path / "validation.jsonl", toy_rows(40, 2)),
    )
    training, serving = read_backbone(folder, linear=GradientLinear), read_backbone(folder)

    result = train_adapter(training, _SETTINGS, files, CardFacts("toy"))

    spec = result.spec
    assert (spec.backbone, spec.max_tokens) == (serving.identity, 64)
    accuracy = result.metrics[0].value
    assert accuracy > 0.8
    examples = read_examples(tmp_path / "validation.jsonl")
    adapter = load_adapter(parse_adapter(result.data), serving)
    tokenized = serving.tokenizer.tokenize([e.text for e in examples], max_tokens=64)
    rows = [
        RunnableRow(adapter, EncodedRow(t.token_ids, t.type_ids, truncated=False))
        for t in tokenized
    ]
    outputs = torch.stack([torch.as_tensor(output) for output in Runner(serving).run(rows)])
    right = [
        spec.head.labels[int(label)] == example.label
        for label, example in zip(outputs.argmax(1), examples, strict=True)
    ]
    assert sum(right) / len(right) == pytest.approx(accuracy)
