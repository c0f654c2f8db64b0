"""Settings of the `adapters` library, turned into modules or refused."""

import pytest

from library_folders import PFEIFFER
from multitap_adapters.file.strict_json import JsonValue
from multitap_adapters.importing.bottlenecks import bottleneck_size, parse_bottleneck
from multitap_adapters.importing.errors import FolderRefused
from multitap_adapters.importing.settings import Settings
from multitap_adapters.importing.target import Target
from multitap_adapters.spec import Bottleneck


def parse(target: Target, *, old: bool = False, **changes: JsonValue) -> Bottleneck | None:
    document = {**PFEIFFER, **changes}
    return parse_bottleneck(Settings(document, "a.json"), target, old=old)  # type: ignore[arg-type]  # JSON values


PLAIN = Bottleneck(sites=("ffn",), size=4, activation="relu", norm_before=True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"mh_adapter": True}, {"sites": ("attention", "ffn")}),
        ({"mh_adapter": True, "output_adapter": False}, {"sites": ("attention",)}),
        ({"original_ln_before": False}, {"norm_before": False}),
        ({"original_ln_after": False}, {"norm_after": False}),
        ({"residual_before_ln": False}, {"residual": "input"}),
        ({"residual_before_ln": "post_add"}, {"residual": "sum"}),
        ({"ln_before": True}, {"new_norm_before": True}),
        (
            {"ln_after": True, "adapter_residual_before_ln": True},
            {"new_norm_after": True, "residual_before_new_norm": True},
        ),
        ({"non_linearity": "GELU"}, {"activation": "gelu"}),
        ({"scaling": 4.0}, {"scaling": 4.0}),
        ({"scaling": "learned"}, {"scaling": "learned"}),
        ({"scaling": "channel"}, {"scaling": "channel"}),
        ({"leave_out": [1]}, {"leave_out": (1,)}),
        ({"leave_out": None}, {}),
        ({"reduction_factor": 0.5}, {"size": 64}),
        ({"reduction_factor": 2.5}, {"size": 12}),
        ({"reduction_factor": 1000}, {"size": 1}),
        ({"reduction_factor": {"0": 4, "default": 8}}, {"size": (8, 4)}),
        ({"reduction_factor": {"0": 8, "1": 8}}, {"size": 4}),
        ({"reduction_factor": {"1": 8}, "leave_out": [0]}, {"size": (1, 4), "leave_out": (0,)}),
        ({"cross_adapter": True, "init_weights": "mam_adapter", "dropout": 0.3}, {}),
        ({"attention_type": "sent-lvl-dynamic", "new_attention_norm": False}, {}),
    ],
)
def test_settings_become_the_module_that_they_mean(
    target: Target, changes: dict[str, JsonValue], expected: dict[str, object]
) -> None:
    assert parse(target, old=False, **changes) == PLAIN.model_copy(update=expected)


def test_a_parallel_adapter_leaves_out_what_has_no_meaning_there(target: Target) -> None:
    found = parse(
        target,
        is_parallel=True,
        residual_before_ln=False,
        ln_after=True,
        adapter_residual_before_ln=True,
    )

    assert found == PLAIN.model_copy(
        update={"arrangement": "parallel", "norm_before": False, "new_norm_after": True}
    )


def test_an_old_gelu_is_the_approximation(target: Target) -> None:
    old, new = (parse(target, old=old, non_linearity="gelu") for old in (True, False))

    assert old is not None
    assert new is not None
    assert (old.activation, new.activation) == ("gelu_tanh", "gelu")


def test_an_adapter_of_neither_place_is_none(target: Target) -> None:
    assert parse(target, output_adapter=False) is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"use_gating": True}, "use_gating averages its gate over padding"),
        ({"new_attention_norm": True}, "new_attention_norm in a.json is not supported"),
        ({"mh_adapter": None}, "a.json has no mh_adapter"),
        ({"non_linearity": None}, "a.json has no non_linearity"),
        ({"non_linearity": "prelu"}, "non-linearity 'prelu' is not supported"),
        ({"scaling": "huge"}, "scaling in a.json is 'huge', which is unknown"),
        ({"scaling": [1]}, "scaling in a.json is [1], not a number"),
        ({"residual_before_ln": "later"}, "residual_before_ln in a.json is 'later'"),
        (
            {"residual_before_ln": "post_add", "original_ln_before": False},
            "residual_before_ln in a.json is 'post_add'",
        ),
        ({"reduction_factor": 0}, "reduction_factor in a.json is 0.0"),
        ({"reduction_factor": -2}, "reduction_factor in a.json is -2.0"),
        ({"reduction_factor": "16"}, "reduction_factor in a.json is None"),
        ({"reduction_factor": 1e-300}, "reduction_factor in a.json is 1e-300"),
        ({"reduction_factor": 1e-6}, "a.json cannot be expressed: size"),
        ({"reduction_factor": {"0": 4}}, "names neither layer 1 nor a default"),
        ({"leave_out": [-1]}, "leave_out in a.json is [-1], not layer indices"),
        ({"leave_out": [300]}, "a.json cannot be expressed: leave_out"),
    ],
)
def test_what_cannot_be_said_is_refused_with_its_place(
    target: Target, changes: dict[str, JsonValue], message: str
) -> None:
    with pytest.raises(FolderRefused) as error:
        parse(target, old=False, **changes)

    assert str(error.value).startswith(message) or message in str(error.value)


@pytest.mark.parametrize(
    ("width", "factor", "size"), [(768, 16, 48), (768, 2.5, 307), (64, 512, 1), (10, 0.3, 33)]
)
def test_a_size_is_rounded_down_and_1_at_least(width: int, factor: float, size: int) -> None:
    assert bottleneck_size(width, float(factor), "a.json") == size
