"""From a file to an adapter that runs."""

import pytest
import torch

from multitap_adapters.backbone import Backbone
from multitap_adapters.errors import UnsupportedSpec, WrongBackbone
from multitap_adapters.file import TensorData, parse_adapter, serialize_adapter, tensor_shapes
from multitap_adapters.loading import float_tensors, load_adapter
from multitap_adapters.spec import Invertible
from random_adapters import houlsby, random_adapter, random_spec


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
