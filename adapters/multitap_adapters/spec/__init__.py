"""The adapter specification: the JSON document inside every adapter file (docs/adapter-file.md)."""

from .backbone import BackboneIdentity
from .card import Card, Metric, TrainingData
from .document import AdapterSpec
from .head import Head, HeadKind, HeadLayer, Label
from .modules import (
    Activation,
    Bottleneck,
    Ia3,
    Invertible,
    LayerNorms,
    Lora,
    LoraOverride,
    Module,
    Projection,
    Site,
)
from .names import DIGEST_PATTERN, TASK_PATTERN, Digest, TaskName

__all__ = [
    "DIGEST_PATTERN",
    "TASK_PATTERN",
    "Activation",
    "AdapterSpec",
    "BackboneIdentity",
    "Bottleneck",
    "Card",
    "Digest",
    "Head",
    "HeadKind",
    "HeadLayer",
    "Ia3",
    "Invertible",
    "Label",
    "LayerNorms",
    "Lora",
    "LoraOverride",
    "Metric",
    "Module",
    "Projection",
    "Site",
    "TaskName",
    "TrainingData",
]
