"""Adapter files for the tests of the reader: one with every method, and ways to break any file."""

import json
from collections.abc import Mapping
from typing import cast

import numpy as np
from safetensors import (
    deserialize,  # pyright: ignore[reportUnknownVariableType] (untyped)
)

from multitap_adapters.file import (
    AdapterFileError,
    DType,
    FileLimits,
    TensorData,
    parse_adapter,
    serialize_adapter,
    tensor_shapes,
)
from multitap_adapters.spec import (
    AdapterSpec,
    BackboneIdentity,
    Bottleneck,
    Head,
    HeadLayer,
    Ia3,
    Invertible,
    LayerNorms,
    Lora,
    LoraOverride,
)

NO_DIGEST = "sha256:" + "0" * 64
SMALL_BACKBONE = BackboneIdentity(
    model_type="bert",
    hidden_size=4,
    intermediate_size=6,
    embedding_size=2,
    num_layers=2,
    digest=NO_DIGEST,
    config_digest=NO_DIGEST,
    tokenizer_digest=NO_DIGEST,
)


def every_method_spec() -> AdapterSpec:
    """Return a specification with one module of every method and a head of two layers."""
    return AdapterSpec(
        backbone=SMALL_BACKBONE,
        modules=(
            Invertible(size=3),
            Bottleneck(size=(2, 3), scaling="channel", new_norm_before=True, new_norm_after=True),
            Lora(
                projections=("query", "ffn_up"),
                r=2,
                alpha=4.0,
                bias=True,
                overrides=(LoraOverride(layer=1, projection="ffn_up", r=1),),
            ),
            LayerNorms(),
            Ia3(outputs=("key", "value"), inputs=("ffn_down",)),
        ),
        max_tokens=16,
        head=Head(
            kind="classification",
            labels=("no", "yes"),
            input="cls",
            layers=(HeadLayer(out=3, activation="tanh"), HeadLayer(out=2)),
        ),
    )


def head_only_spec() -> AdapterSpec:
    """Return the smallest specification: `head.0.weight` [2, 4] and `head.0.bias` [2]."""
    head = Head(
        kind="classification", labels=("no", "yes"), input="cls", layers=(HeadLayer(out=2),)
    )
    return AdapterSpec(backbone=SMALL_BACKBONE, max_tokens=16, head=head)


def tensors_for(
    spec: AdapterSpec, *, seed: int = 0, dtypes: tuple[DType, ...] = ("F32",)
) -> dict[str, TensorData]:
    """Return random finite tensors for a specification, the types taken in turn."""
    generator = np.random.default_rng(seed)
    tensors: dict[str, TensorData] = {}
    for index, (name, shape) in enumerate(tensor_shapes(spec).items()):
        values = generator.normal(0, 1, shape).astype(np.float32)
        match dtypes[index % len(dtypes)]:
            case "F32":
                tensors[name] = TensorData.from_numpy(values)
            case "F16":
                tensors[name] = TensorData.from_numpy(values.astype(np.float16))
            case "BF16":
                upper = (values.view(np.uint32) >> np.uint32(16)).astype("<u2")
                tensors[name] = TensorData("BF16", shape, upper.tobytes())
    return tensors


def file_for(spec: AdapterSpec, *, dtypes: tuple[DType, ...] = ("F32",)) -> bytes:
    """Return a valid file of this specification."""
    return serialize_adapter(spec, tensors_for(spec, dtypes=dtypes))


def join(header: bytes, data: bytes = b"") -> bytes:
    """Return a file of this header text and these tensor bytes, valid or not."""
    return len(header).to_bytes(8, "little") + header + data


def split(file: bytes) -> tuple[dict[str, object], bytes]:
    """Return a file's header document and its tensor bytes."""
    end = 8 + int.from_bytes(file[:8], "little")
    return cast("dict[str, object]", json.loads(file[8:end])), file[end:]


def header_text(file: bytes) -> bytes:
    """Return a file's header as it stands, with its padding."""
    return file[8 : 8 + int.from_bytes(file[:8], "little")]


def rejoin(header: Mapping[str, object], data: bytes) -> bytes:
    """Return a file of this header document and these tensor bytes, valid or not."""
    return join(json.dumps(header).encode(), data)


def with_entry(file: bytes, name: str, entry: object) -> bytes:
    """Return the file with one entry of its header added or replaced; None removes it."""
    header, data = split(file)
    if entry is None:
        del header[name]
    else:
        header[name] = entry
    return rejoin(header, data)


def with_field(file: bytes, name: str, **fields: object) -> bytes:
    """Return the file with fields of one header entry changed."""
    header, _ = split(file)
    return with_entry(file, name, {**cast("dict[str, object]", header[name]), **fields})


def spec_text(file: bytes) -> str:
    """Return the specification's text as it stands in the file."""
    metadata = cast("dict[str, str]", split(file)[0]["__metadata__"])
    return metadata["multitap"]


def with_spec_text(file: bytes, text: str) -> bytes:
    """Return the file with another text for its specification."""
    return with_entry(file, "__metadata__", {"multitap": text})


def with_spec(file: bytes, path: str, value: object) -> bytes:
    """Return the file with one value of its specification changed, named by a dotted path."""
    document = json.loads(spec_text(file))
    *parents, last = (int(step) if step.isdigit() else step for step in path.split("."))
    place = document
    for step in parents:
        place = place[step]
    place[last] = value
    return with_spec_text(file, json.dumps(document))


def library_reads(file: bytes) -> dict[str, TensorData]:
    """Return a file's tensors as the safetensors library reads them.

    Raises:
        SafetensorError: the library refuses the file.
    """
    tensors = cast("list[tuple[str, dict[str, object]]]", deserialize(file))  # type: ignore[no-untyped-call]
    return {
        name: TensorData(
            dtype=cast("DType", tensor["dtype"]),
            shape=tuple(cast("list[int]", tensor["shape"])),
            data=bytes(cast("bytes", tensor["data"])),
        )
        for name, tensor in tensors
    }


def faults_of(file: bytes, limits: FileLimits | None = None) -> list[str]:
    """Return a file's faults as texts, empty for a file that is accepted."""
    try:
        parse_adapter(file, limits=limits or FileLimits())
    except AdapterFileError as error:
        return [str(fault) for fault in error.faults]
    return []
