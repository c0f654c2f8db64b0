"""Settings that cannot be used are refused by name."""

from typing import Any

import pytest

from multitap_training import SettingsError, TrainingSettings


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("size", 0, "size must be from 1 to 4096, got 0"),
        ("epochs", 1_001, "epochs must be from 1 to 1000, got 1001"),
        ("learning_rate", 0.0, "learning_rate must be from 1e-08 to 1.0, got 0.0"),
        ("learning_rate", float("nan"), "learning_rate must be from 1e-08 to 1.0, got nan"),
        ("batch_size", 0, "batch_size must be from 1 to 4096, got 0"),
        ("warmup", -0.1, "warmup must be from 0.0 to 1.0, got -0.1"),
        ("weight_decay", 2.0, "weight_decay must be from 0.0 to 1.0, got 2.0"),
        (
            "kind",
            "ranking",
            "kind must be classification or multilabel or regression or tagging or "
            "question_answering, got 'ranking'",
        ),
        ("dropout", 1.0, "dropout must be from 0.0 to 0.9, got 1.0"),
        ("hidden_dropout", -0.1, "hidden_dropout must be from 0.0 to 0.9, got -0.1"),
        ("max_tokens", 2, "max_tokens must be from 3 to 65536, got 2"),
        ("seed", -1, "seed must be from 0 to 9223372036854775807, got -1"),
        ("method", "lora", "method must be houlsby or none, got 'lora'"),
        ("pooling", "max", "pooling must be mean or cls, got 'max'"),
        ("dtype", "bf16", "dtype must be fp16 or fp32, got 'bf16'"),
    ],
)
def test_a_value_out_of_its_range_is_refused(setting: str, value: Any, message: str) -> None:  # noqa: ANN401  parametrized
    with pytest.raises(SettingsError) as refused:
        TrainingSettings(**{setting: value})

    assert str(refused.value) == message


def test_a_card_describes_what_was_set() -> None:
    described = TrainingSettings(seed=5).described()

    assert described["seed"] == 5
    assert described["method"] == "houlsby"
    assert "positive_label" not in described
    assert TrainingSettings(positive_label="spam").described()["positive_label"] == "spam"
