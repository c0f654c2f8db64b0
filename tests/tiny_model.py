"""Tiny random encoders in memory, with the weights that they were made of."""

from dataclasses import asdict, dataclass

from torch import Tensor

from multitap_adapters.config import BackboneConfig, parse_config
from multitap_adapters.encoder import Encoder
from multitap_adapters.linear import FrozenLinear, LinearFactory
from multitap_adapters.spec import BackboneIdentity
from tiny_backbone import TinyConfig, tiny_weights

_DIGEST = "sha256:" + "0" * 64


@dataclass(frozen=True)
class TinyModel:
    """A backbone without a tokenizer; the digests of its identity are zeros."""

    config: BackboneConfig
    weights: dict[str, Tensor]
    encoder: Encoder
    identity: BackboneIdentity


def tiny_model(
    config: TinyConfig, seed: int = 0, *, linear: LinearFactory = FrozenLinear
) -> TinyModel:
    """Return a random encoder; the same arguments give the same weights."""
    parsed = parse_config(asdict(config))
    weights = tiny_weights(config, seed)
    return TinyModel(parsed, weights, Encoder(parsed, weights, linear), identity_of(parsed))


def identity_of(config: BackboneConfig) -> BackboneIdentity:
    """Return the sizes that an adapter names, with digests of zeros."""
    return BackboneIdentity(
        model_type=config.family.model_type,
        hidden_size=config.hidden_size,
        intermediate_size=config.intermediate_size,
        embedding_size=config.embedding_size,
        num_layers=config.num_layers,
        digest=_DIGEST,
        config_digest=_DIGEST,
        tokenizer_digest=_DIGEST,
    )
