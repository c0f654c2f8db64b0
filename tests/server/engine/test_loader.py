"""What the loader vouches for, and how everything else is refused."""

import logging
from pathlib import Path
from typing import get_args

import pytest

from engine_parts import Blobs
from every_kind import HEADS
from multitap_adapters.backbone import Backbone, read_backbone
from multitap_adapters.file import parse_adapter
from multitap_adapters.spec import HeadKind, Ia3, Invertible, Lora
from multitap_registry.errors import CorruptBlob
from multitap_server.engine.errors import (
    AdapterUnavailable,
    BackboneMismatch,
    UnsupportedAdapter,
)
from multitap_server.engine.loader import Loader
from random_adapters import houlsby, random_adapter_bytes, random_spec
from tiny_backbone import FAMILY_CONFIGS, tiny_backbone_folder


@pytest.fixture
def loader(tiny_backbone: Backbone, blobs: Blobs) -> Loader:
    return Loader(tiny_backbone, blobs.read)


def store(blobs: Blobs, content: bytes) -> str:
    return blobs.add(parse_adapter(content), content)


def test_a_good_file_becomes_an_adapter_of_the_size_of_its_tensors(
    loader: Loader, blobs: Blobs, tiny_backbone: Backbone
) -> None:
    spec = random_spec(tiny_backbone.identity)
    loaded = loader.load(store(blobs, random_adapter_bytes(spec)))

    assert loaded.adapter.spec == spec
    assert loaded.size_bytes == 4 * (2 * tiny_backbone.config.hidden_size + 2)


def test_bytes_of_another_digest_are_refused(
    loader: Loader, blobs: Blobs, tiny_backbone: Backbone
) -> None:
    spec = random_spec(tiny_backbone.identity)
    digest = store(blobs, random_adapter_bytes(spec, 1))
    blobs.files[digest] = random_adapter_bytes(spec, 2)

    with pytest.raises(AdapterUnavailable, match="its bytes have the digest sha256:"):
        loader.load(digest)


def test_a_corrupt_blob_is_unavailable_because_of_the_registry(
    loader: Loader, blobs: Blobs
) -> None:
    digest = "sha256:" + "0" * 64
    blobs.errors[digest] = CorruptBlob(digest, "gone")

    with pytest.raises(AdapterUnavailable) as refused:
        loader.load(digest)

    assert isinstance(refused.value.__cause__, CorruptBlob)


def test_a_truncated_file_is_unavailable(
    loader: Loader, blobs: Blobs, tiny_backbone: Backbone
) -> None:
    content = random_adapter_bytes(random_spec(tiny_backbone.identity))
    digest = store(blobs, content)
    blobs.files[digest] = content[:-1]

    with pytest.raises(AdapterUnavailable):
        loader.load(digest)


def test_an_error_that_nobody_foresaw_is_logged_and_only_its_kind_is_said(
    loader: Loader, blobs: Blobs, caplog: pytest.LogCaptureFixture
) -> None:
    blobs.errors["sha256:x"] = ZeroDivisionError("a secret path")

    with pytest.raises(AdapterUnavailable, match="ZeroDivisionError") as refused:
        loader.load("sha256:x")

    assert "secret" not in str(refused.value)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_an_adapter_for_another_backbone_is_a_mismatch_that_names_the_field(
    loader: Loader, blobs: Blobs, tiny_backbone: Backbone
) -> None:
    other = tiny_backbone.identity.model_copy(update={"digest": "sha256:" + "d" * 64})
    digest = store(blobs, random_adapter_bytes(random_spec(other)))

    with pytest.raises(BackboneMismatch) as refused:
        loader.load(digest)

    assert refused.value.field == "digest"
    assert refused.value.expected == tiny_backbone.identity.digest


def test_another_tokenizer_only_warns(
    loader: Loader, blobs: Blobs, tiny_backbone: Backbone, caplog: pytest.LogCaptureFixture
) -> None:
    other = tiny_backbone.identity.model_copy(update={"tokenizer_digest": "sha256:" + "d" * 64})

    loader.load(store(blobs, random_adapter_bytes(random_spec(other))))

    assert "another tokenizer" in caplog.text


def test_methods_that_cannot_run_are_unsupported(loader: Loader, tiny_backbone: Backbone) -> None:
    identity = tiny_backbone.identity
    stacked = (Lora(projections=("query",), r=2, alpha=4), Ia3(outputs=("query",)))
    for spec in (
        random_spec(identity, modules=stacked),
        random_spec(identity, modules=(Invertible(size=2), Invertible(size=2))),
    ):
        with pytest.raises(UnsupportedAdapter):
            loader.require_servable(spec)


@pytest.mark.parametrize("kind", get_args(HeadKind))
def test_every_kind_of_head_is_servable(
    loader: Loader, tiny_backbone: Backbone, kind: HeadKind
) -> None:
    loader.require_servable(random_spec(tiny_backbone.identity, head=HEADS[kind]))


@pytest.mark.parametrize(("kind", "least"), [("tagging", 3), ("question_answering", 5)])
def test_a_length_without_room_for_a_window_is_unsupported(
    loader: Loader, tiny_backbone: Backbone, kind: HeadKind, least: int
) -> None:
    head, identity = HEADS[kind], tiny_backbone.identity
    loader.require_servable(random_spec(identity, head=head, max_tokens=least))

    for tokens in range(3, least):
        with pytest.raises(UnsupportedAdapter, match=f"a {kind} task needs {least} or more"):
            loader.require_servable(random_spec(identity, head=head, max_tokens=tokens))


def test_more_tokens_than_the_backbone_has_positions_are_unsupported(
    loader: Loader, tiny_backbone: Backbone
) -> None:
    loader.require_servable(random_spec(tiny_backbone.identity, max_tokens=64))

    with pytest.raises(UnsupportedAdapter, match=r"max_tokens is 65, .* positions for 64"):
        loader.require_servable(random_spec(tiny_backbone.identity, max_tokens=65))


def test_positions_that_padding_takes_are_not_counted(tmp_path: Path, blobs: Blobs) -> None:
    config = FAMILY_CONFIGS["roberta"]
    assert config.max_position_embeddings == 66
    backbone = read_backbone(tiny_backbone_folder(tmp_path / "model", config=config))
    loader = Loader(backbone, blobs.read)
    loader.require_servable(random_spec(backbone.identity, max_tokens=64))

    with pytest.raises(UnsupportedAdapter, match=r"max_tokens is 65, .* positions for 64"):
        loader.require_servable(random_spec(backbone.identity, max_tokens=65))


def test_a_houlsby_adapter_is_servable(loader: Loader, tiny_backbone: Backbone) -> None:
    loader.require_servable(random_spec(tiny_backbone.identity, modules=houlsby()))
