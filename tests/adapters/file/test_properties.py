"""Properties over many specifications and many broken files; the library's reader as a judge."""

import json
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError

from adapter_bytes import (
    every_method_spec,
    file_for,
    join,
    library_reads,
    spec_text,
    split,
    tensors_for,
)
from multitap_adapters.file import (
    AdapterFile,
    AdapterFileError,
    DType,
    FileLimits,
    parse_adapter,
    serialize_adapter,
)
from multitap_adapters.spec import (
    AdapterSpec,
    BackboneIdentity,
    Bottleneck,
    Card,
    Head,
    HeadLayer,
    Ia3,
    Invertible,
    LayerNorms,
    Lora,
    Module,
)

FILE = file_for(every_method_spec(), dtypes=("F32", "F16", "BF16"))
LAYERS = 2

dtypes: st.SearchStrategy[DType] = st.sampled_from(("F32", "F16", "BF16"))
sizes = st.integers(1, 4)
text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
bottlenecks = st.builds(
    Bottleneck,
    size=sizes | st.tuples(sizes, sizes),
    sites=st.sampled_from((("attention",), ("ffn",), ("ffn", "attention"))),
    scaling=st.sampled_from(("learned", "channel")) | st.floats(-4, 4, width=32),
    new_norm_before=st.booleans(),
    new_norm_after=st.booleans(),
    leave_out=st.sampled_from(((), (0,), (1,), (0, 1))),
)
loras = st.builds(
    Lora,
    projections=st.lists(
        st.sampled_from(("query", "key", "value", "attention_output", "ffn_up", "ffn_down")),
        min_size=1,
        unique=True,
    ).map(tuple),
    r=sizes,
    alpha=st.floats(0.5, 64),
    rslora=st.booleans(),
    bias=st.booleans(),
)
ia3s = st.builds(
    Ia3,
    outputs=st.sampled_from((("key", "value"), ("ffn_up",))),
    inputs=st.sampled_from(((), ("ffn_down",), ("ffn_up", "query"))),
    leave_out=st.sampled_from(((), (1,))),
)
modules: st.SearchStrategy[Module] = bottlenecks | loras | ia3s | st.builds(Invertible, size=sizes)


@st.composite
def specs(draw: st.DrawFn) -> AdapterSpec:
    digest = "sha256:" + "5" * 64
    labels = draw(st.lists(text, min_size=2, max_size=4, unique=True))
    norms = draw(st.sampled_from(((), (LayerNorms(),), (LayerNorms(sites=()),))))
    return AdapterSpec(
        backbone=BackboneIdentity(
            model_type="bert",
            hidden_size=draw(sizes),
            intermediate_size=draw(sizes),
            embedding_size=draw(st.sampled_from((2, 4))),
            num_layers=LAYERS,
            digest=digest,
            config_digest=digest,
            tokenizer_digest=digest,
        ),
        modules=(*draw(st.lists(modules, max_size=3)), *norms),
        max_tokens=draw(st.integers(3, 512)),
        head=Head(
            kind="classification",
            labels=tuple(labels),
            input=draw(st.sampled_from(("cls", "mean"))),
            layers=(HeadLayer(out=len(labels), bias=draw(st.booleans())),),
        ),
        card=Card(
            description=draw(st.none() | text),
            seed=draw(st.none() | st.integers(-(2**63), 2**63)),
            settings=draw(
                st.dictionaries(
                    text, text | st.integers(-9, 9) | st.booleans() | st.floats(-1e9, 1e9)
                )
            ),
        ),
    )


def accepted(file: bytes) -> AdapterFile | None:
    """Return what the reader makes of any bytes; only AdapterFileError may come out of it."""
    try:
        return parse_adapter(file)
    except AdapterFileError as error:
        refused = error
    assert refused.faults
    assert str(refused).isprintable()
    return None


def must_agree_with_the_library(file: bytes, adapter: AdapterFile) -> None:
    assert library_reads(file) == dict(adapter.tensors)


@settings(deadline=None)
@given(spec=specs(), dtype=st.tuples(dtypes, dtypes), seed=st.integers(0, 9))
def test_what_is_written_reads_back_equal_here_and_in_the_library(
    spec: AdapterSpec, dtype: tuple[DType, DType], seed: int
) -> None:
    tensors = tensors_for(spec, seed=seed, dtypes=dtype)
    file = serialize_adapter(spec, tensors)
    adapter = parse_adapter(file)

    assert adapter.spec == spec
    assert dict(adapter.tensors) == tensors
    assert serialize_adapter(adapter.spec, adapter.tensors) == file
    must_agree_with_the_library(file, adapter)


@settings(deadline=None, max_examples=500)
@given(flips=st.lists(st.tuples(st.integers(0, len(FILE) - 1), st.integers(1, 255)), min_size=1))
def test_flipped_bytes_are_faults_or_another_good_file(flips: list[tuple[int, int]]) -> None:
    broken = bytearray(FILE)
    for place, bits in flips:
        broken[place] ^= bits

    adapter = accepted(bytes(broken))
    if adapter is not None:
        must_agree_with_the_library(bytes(broken), adapter)


@given(size=st.integers(0, len(FILE) - 1))
def test_a_truncated_file_is_never_accepted(size: int) -> None:
    assert accepted(FILE[:size]) is None


@given(tail=st.binary(min_size=1, max_size=64))
def test_a_file_with_a_tail_is_never_accepted(tail: bytes) -> None:
    assert accepted(FILE + tail) is None


@given(data=st.binary(max_size=256))
def test_random_bytes_are_never_accepted(data: bytes) -> None:
    assert accepted(data) is None
    assert accepted(join(data)) is None


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(("F32", "BF16", "dtype", "shape", "data_offsets")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(data=st.data(), value=json_values)
def test_any_json_in_any_place_of_the_header_is_a_fault_or_a_good_file(
    data: st.DataObject, value: object
) -> None:
    header, tensors = split(FILE)
    name = data.draw(st.sampled_from(sorted(header)) | st.text(max_size=4))
    entry = header.get(name)
    if isinstance(entry, dict) and data.draw(st.booleans()):
        fields = cast("dict[str, object]", entry)
        header[name] = {**fields, data.draw(st.sampled_from(sorted(fields))): value}
    else:
        header[name] = value
    file = join(json.dumps(header).encode(), tensors)

    adapter = accepted(file)
    if adapter is not None:
        must_agree_with_the_library(file, adapter)


@settings(deadline=None, max_examples=300)
@given(data=st.data(), value=json_values)
def test_any_json_in_any_place_of_the_specification_is_a_fault_or_a_good_file(
    data: st.DataObject, value: object
) -> None:
    header, tensors = split(FILE)
    document = cast("dict[str, object]", json.loads(spec_text(FILE)))
    place: object = document
    while place:
        fields = cast("dict[object, object]", place)  # a list is indexed like one
        keys = list(fields) if isinstance(place, dict) else [*range(len(fields))]
        key = data.draw(st.sampled_from(keys))
        if not isinstance(fields[key], dict | list) or data.draw(st.booleans()):
            fields[key] = value
            break
        place = fields[key]
    header["__metadata__"] = {"multitap": json.dumps(document)}
    file = join(json.dumps(header).encode(), tensors)

    adapter = accepted(file)
    if adapter is not None:
        must_agree_with_the_library(file, adapter)


@settings(deadline=None)
@given(place=st.integers(0, len(FILE) - 1), bits=st.integers(1, 255), size=st.integers(0, 8_000))
def test_what_the_library_refuses_is_refused(place: int, bits: int, size: int) -> None:
    broken = bytearray(FILE)
    broken[place] ^= bits
    file = bytes(broken[:size] if size < len(FILE) // 2 else broken)
    try:
        library_reads(file)
    except SafetensorError:
        assert accepted(file) is None


@pytest.mark.parametrize("size", [0, 1])
def test_limits_hold_for_any_file(size: int) -> None:
    with pytest.raises(AdapterFileError):
        parse_adapter(FILE, limits=FileLimits(size_bytes=size))


def test_the_sample_file_has_all_three_types() -> None:
    adapter = parse_adapter(FILE)
    assert {tensor.dtype for tensor in adapter.tensors.values()} == {"F32", "F16", "BF16"}
    assert all(np.isfinite(tensor.to_numpy()).all() for tensor in adapter.tensors.values())
