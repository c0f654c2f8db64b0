"""The frozen corpus: files of every format so far, which every later reader accepts for ever.

A file in the corpus never changes. A new format adds files, with their digests here.
"""

import struct
from pathlib import Path

import pytest

from multitap_adapters.file import TensorData, read_adapter, serialize_adapter
from multitap_adapters.spec import (
    AdapterSpec,
    BackboneIdentity,
    Bottleneck,
    Card,
    Head,
    HeadLayer,
)

CORPUS = Path(__file__).parent / "corpus"
DIGESTS = {
    "format-1-tiny": "sha256:9b8a4d310627e8bc65c7c422c69ce5eb00e2e468fd61bda135ba719c1783fd0f",
}


def tiny_spec() -> AdapterSpec:
    return AdapterSpec(
        backbone=BackboneIdentity(
            model_type="bert",
            hidden_size=2,
            intermediate_size=4,
            embedding_size=2,
            num_layers=1,
            digest="sha256:" + "a" * 64,
            config_digest="sha256:" + "b" * 64,
            tokenizer_digest="sha256:" + "c" * 64,
        ),
        modules=(Bottleneck(size=1, sites=("ffn",)),),
        max_tokens=16,
        head=Head(
            kind="classification",
            labels=("no", "yes"),
            input="cls",
            layers=(HeadLayer(out=2),),
        ),
        card=Card(task="tiny"),
    )


def tiny_tensors() -> dict[str, TensorData]:
    at = "modules.0.layers.0.ffn"
    return {
        f"{at}.down.weight": TensorData("F16", (1, 2), struct.pack("<2e", 1.0, -1.0)),
        f"{at}.down.bias": TensorData("F16", (1,), struct.pack("<e", 0.5)),
        f"{at}.up.weight": TensorData("BF16", (2, 1), bytes.fromhex("803f 80bf")),
        f"{at}.up.bias": TensorData("F16", (2,), struct.pack("<2e", 0.0, 2.0)),
        "head.0.weight": TensorData("F32", (2, 2), struct.pack("<4f", 1.0, 2.0, -1.0, -2.0)),
        "head.0.bias": TensorData("F32", (2,), struct.pack("<2f", 0.25, -0.25)),
    }


def test_every_file_of_the_corpus_is_listed() -> None:
    assert {path.stem for path in CORPUS.iterdir()} == DIGESTS.keys()


@pytest.mark.parametrize("name", DIGESTS)
def test_every_file_of_the_corpus_is_accepted_unchanged(name: str) -> None:
    assert read_adapter(CORPUS / f"{name}.safetensors").digest == DIGESTS[name]


def test_the_tiny_file_holds_what_went_into_it() -> None:
    adapter = read_adapter(CORPUS / "format-1-tiny.safetensors")
    assert adapter.spec == tiny_spec()
    assert dict(adapter.tensors) == tiny_tensors()


def test_the_writer_still_gives_the_tiny_file_byte_for_byte() -> None:
    frozen = (CORPUS / "format-1-tiny.safetensors").read_bytes()
    assert serialize_adapter(tiny_spec(), tiny_tensors()) == frozen
