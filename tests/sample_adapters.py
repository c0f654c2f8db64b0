"""Small valid adapter files for tests: a head on the bare backbone, no modules."""

from collections.abc import Sequence

import numpy as np

from multitap_adapters.file import TensorData, serialize_adapter, tensor_shapes
from multitap_adapters.spec import AdapterSpec, BackboneIdentity, Bottleneck, Head, HeadLayer

SAMPLE_BACKBONE = BackboneIdentity(
    model_type="bert",
    hidden_size=8,
    intermediate_size=16,
    embedding_size=8,
    num_layers=2,
    digest="sha256:" + "a" * 64,
    config_digest="sha256:" + "b" * 64,
    tokenizer_digest="sha256:" + "c" * 64,
)


def sample_spec(
    labels: Sequence[str] = ("no", "yes"), *, backbone: BackboneIdentity = SAMPLE_BACKBONE
) -> AdapterSpec:
    """Return the specification of a classification head with these labels."""
    head = Head(
        kind="classification",
        labels=tuple(labels),
        input="cls",
        layers=(HeadLayer(out=len(labels)),),
    )
    return AdapterSpec(backbone=backbone, max_tokens=32, head=head)


def random_file(spec: AdapterSpec, seed: int = 0) -> bytes:
    """Return an adapter file of this specification with random weights; every seed differs."""
    generator = np.random.default_rng(seed)
    tensors = {
        name: TensorData.from_numpy(generator.normal(0, 0.02, shape).astype(np.float32))
        for name, shape in tensor_shapes(spec).items()
    }
    return serialize_adapter(spec, tensors)


def sample_adapter(seed: int = 0, *, labels: Sequence[str] = ("no", "yes")) -> bytes:
    """Return a small valid file; the same seed and labels give the same bytes."""
    return random_file(sample_spec(labels), seed)


def large_adapter(seed: int = 0) -> bytes:
    """Return a valid file of 17 MiB, which clients push in parts."""
    bottleneck = Bottleneck(size=65_536)
    return random_file(sample_spec().model_copy(update={"modules": (bottleneck,)}), seed)
