"""The backbone's identity."""

import pytest
from pydantic import ValidationError

from adapter_bytes import SMALL_BACKBONE
from multitap_adapters.spec import BackboneIdentity


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_type", "BERT"),
        ("model_type", "../bert"),
        ("model_type", ""),
        ("hidden_size", 0),
        ("hidden_size", 65_537),
        ("num_layers", 0),
        ("num_layers", 257),
        ("embedding_size", "384"),
        ("intermediate_size", 1.0),
        ("digest", "sha256:" + "g" * 64),
        ("config_digest", None),
    ],
)
def test_a_field_out_of_its_bounds_is_refused(field: str, value: object) -> None:
    document = SMALL_BACKBONE.model_dump() | {field: value}
    with pytest.raises(ValidationError, match=field):
        BackboneIdentity.model_validate(document)


@pytest.mark.parametrize("field", list(BackboneIdentity.model_fields))
def test_no_field_has_a_default(field: str) -> None:
    document = SMALL_BACKBONE.model_dump()
    del document[field]
    with pytest.raises(ValidationError, match="missing"):
        BackboneIdentity.model_validate(document)
