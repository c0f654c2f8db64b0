"""Which backbone an adapter was trained on, and the sizes that its tensors depend on."""

from pydantic import Field

from .model import SpecModel
from .names import Digest


class BackboneIdentity(SpecModel):
    """The frozen transformer that an adapter needs.

    ``digest`` covers the encoder's weights, ``config_digest`` the settings that change its forward
    pass, ``tokenizer_digest`` the tokenizer. The sizes make the file's layout checkable without
    the backbone at hand.
    """

    model_type: str = Field(pattern=r"^[a-z0-9_-]{1,64}$")
    hidden_size: int = Field(ge=1, le=65_536)
    intermediate_size: int = Field(ge=1, le=262_144)
    embedding_size: int = Field(ge=1, le=65_536)
    num_layers: int = Field(ge=1, le=256)
    digest: Digest
    config_digest: Digest
    tokenizer_digest: Digest
