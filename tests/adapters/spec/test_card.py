"""The card: facts for people, bounded and typed."""

import pytest
from pydantic import ValidationError

from multitap_adapters.spec import Card, Metric


def test_an_empty_card_is_a_card() -> None:
    assert Card() == Card.model_validate_json("{}")


def test_settings_keep_their_types() -> None:
    card = Card.model_validate_json('{"settings":{"a":1,"b":1.0,"c":true,"d":"1"}}')
    assert card.model_dump_json(include={"settings"}) == (
        '{"settings":{"a":1,"b":1.0,"c":true,"d":"1"}}'
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"task":"Not A Task"}',
        '{"task":"ends-with-"}',
        '{"parent":"sha256:0"}',
        '{"seed":1.5}',
        '{"settings":{"a":[]}}',
        '{"settings":{"a":null}}',
        '{"languages":"en"}',
        '{"extra":{"a":1}}',
        '{"data":[{"name":"x","rows":-1}]}',
        '{"metrics":[{"name":"accuracy","value":NaN,"split":"test","rows":1}]}',
        '{"metrics":[{"name":"accuracy","value":0.9,"rows":1}]}',
        '{"description":"' + "x" * 4_001 + '"}',
    ],
    ids=lambda text: text[:40],
)
def test_a_card_that_breaks_its_rules_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Card.model_validate_json(text)


def test_a_metric_says_the_split_that_it_was_measured_on() -> None:
    metric = Metric(name="accuracy", value=0.9, split="validation", rows=872)
    assert metric.split == "validation"
