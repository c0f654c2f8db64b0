"""From a file to an adapter that runs."""

import tracemalloc

import pytest
import torch
from torch.testing import assert_close

from mixed_batches import run_alone
from multitap_adapters.backbone import Backbone
from multitap_adapters.errors import UnsupportedSpec, WrongBackbone
from multitap_adapters.file import (
    TensorData,
    parse_adapter,
    parse_source,
    serialize_adapter,
    tensor_shapes,
)
from multitap_adapters.loading import float_tensors, load_adapter, open_adapter
from multitap_adapters.spec import (
    Bottleneck,
    Head,
    HeadLayer,
    Ia3,
    Invertible,
    LayerNorms,
    Lora,
    Module,
)
from multitap_adapters.tokenizer import TokenizedRow
from random_adapters import houlsby, random_adapter, random_adapter_bytes, random_spec
from read_sources import CountedSource

EVERY_METHOD: tuple[Module, ...] = (
    LayerNorms(),
    Bottleneck(size=8, scaling="channel", new_norm_before=True, activation="gelu"),
    Lora(projections=("query", "ffn_up"), r=2, alpha=4.0, bias=True),
    Ia3(outputs=("key", "value"), inputs=("ffn_down",)),
    Invertible(size=4),
)
ROW = TokenizedRow([5, 3, 8, 2], [0, 0, 1, 1], 4)


def test_tensors_are_float32_and_keep_their_values(tiny_backbone: Backbone) -> None:
    spec = random_spec(tiny_backbone.identity)
    halves = [TensorData("F16", s, b"\0\x3c" * 64) for s in ((2, 32),)]  # 64 ones
    brains = [TensorData("BF16", s, b"\x80\x3f" * 2) for s in ((2,),)]
    tensors = dict(zip(tensor_shapes(spec), [*halves, *brains], strict=True))

    loaded = float_tensors(parse_adapter(serialize_adapter(spec, tensors)))

    assert torch.equal(loaded["head.0.weight"], torch.ones(2, 32))
    assert torch.equal(loaded["head.0.bias"], torch.ones(2))


def test_tensors_are_copies_and_no_views_of_the_file(tiny_backbone: Backbone) -> None:
    file = random_adapter(tiny_backbone.identity)

    float_tensors(file)["head.0.bias"].zero_()

    assert float_tensors(file)["head.0.bias"].abs().sum() > 0


def test_an_adapter_of_another_backbone_is_refused(tiny_backbone: Backbone) -> None:
    other = tiny_backbone.identity.model_copy(update={"digest": "sha256:" + "0" * 64})

    with pytest.raises(WrongBackbone):
        load_adapter(random_adapter(other, modules=houlsby()), tiny_backbone)


def test_an_adapter_that_cannot_be_run_is_refused(tiny_backbone: Backbone) -> None:
    file = random_adapter(tiny_backbone.identity, modules=(Invertible(size=2), Invertible(size=2)))

    with pytest.raises(UnsupportedSpec):
        load_adapter(file, tiny_backbone)


def test_an_opened_adapter_computes_what_a_loaded_one_does(tiny_backbone: Backbone) -> None:
    file = random_adapter(tiny_backbone.identity, modules=EVERY_METHOD)

    opened = open_adapter(file, tiny_backbone, whole_values=0)

    loaded = load_adapter(file, tiny_backbone)
    hidden_TH = run_alone(tiny_backbone.encoder, loaded, ROW)
    assert_close(run_alone(tiny_backbone.encoder, opened, ROW), hidden_TH, rtol=1e-5, atol=1e-5)
    assert_close(opened.head(hidden_TH, [4]), loaded.head(hidden_TH, [4]), rtol=1e-5, atol=1e-5)


def test_an_opened_adapter_reads_a_matrix_a_part_at_a_time(tiny_backbone: Backbone) -> None:
    wide = Bottleneck(size=65_536, sites=("ffn",), leave_out=(0,))
    source = CountedSource(
        random_adapter_bytes(random_spec(tiny_backbone.identity, modules=[wide]))
    )

    opened = open_adapter(parse_source(source), tiny_backbone)
    source.reads.clear()
    run_alone(tiny_backbone.encoder, opened, ROW)

    matrices_bytes = 2 * 65_536 * 32 * 4
    assert sum(source.reads) == matrices_bytes
    assert max(source.reads) <= 1 << 22


def test_an_opened_adapter_takes_little_memory(tiny_backbone: Backbone) -> None:
    head = Head(kind="embedding", input="mean", layers=(HeadLayer(out=65_536), HeadLayer(out=64)))
    spec = random_spec(tiny_backbone.identity, head=head)
    source = CountedSource(random_adapter_bytes(spec))

    tracemalloc.start()
    open_adapter(parse_source(source), tiny_backbone)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert source.size_bytes > 24_000_000
    assert peak_bytes < 12_000_000


def test_a_small_adapter_is_loaded_even_where_it_is_only_opened(tiny_backbone: Backbone) -> None:
    source = CountedSource(random_adapter_bytes(random_spec(tiny_backbone.identity)))
    opened = open_adapter(parse_source(source), tiny_backbone)
    source.reads.clear()

    run_alone(tiny_backbone.encoder, opened, ROW)

    assert source.reads == []


@pytest.mark.parametrize("whole_values", [0, 1 << 20])
def test_an_adapter_of_another_backbone_is_not_opened(
    tiny_backbone: Backbone, whole_values: int
) -> None:
    other = tiny_backbone.identity.model_copy(update={"digest": "sha256:" + "0" * 64})

    with pytest.raises(WrongBackbone):
        open_adapter(random_adapter(other), tiny_backbone, whole_values=whole_values)
