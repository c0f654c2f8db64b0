"""Run the stacks of tests/stack_cases.py in the `adapters` library 1.3.0, and keep its answers.

That library needs an older `transformers` than this project's tests, so this is run by hand, in an
environment with `adapters==1.3.0`, torch, numpy, pydantic, safetensors and tokenizers, with
`adapters/` and `tests/` of this repository on PYTHONPATH:

    python tests/adapters/stacks/generate.py tests/adapters/stacks/expected.safetensors

It sets every parameter of every adapter, and fails where one is left.
"""
# The library is not installed where this project's types are checked.
# mypy: ignore-errors
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false

import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from adapters.composition import Stack
from transformers import BertConfig

from adapters import AdapterConfig, BertAdapterModel, BnConfig, IA3Config, LoRAConfig
from multitap_adapters.loading import float_tensors
from multitap_adapters.spec import Bottleneck, Ia3, Invertible, Lora, Module
from safetensors_files import save_tensors
from stack_cases import CONFIG, SEED, STACKS, StackCase, model, rows
from tiny_backbone import tiny_weights

_ACTIVATIONS = {"silu": "swish", "relu": "relu", "tanh": "tanh", "gelu": "gelu"}
_RESIDUALS = {"sub_layer": True, "sum": "post_add", "input": False}
_SITES = {"attention": "attention.output", "ffn": "output"}
_ALIAS = "prompt_tuning.base_model_embeddings.weight"  # the word embeddings once more
_PROJECTIONS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "ffn_up": "intermediate.dense",
    "ffn_down": "output.dense",
}


def _factor(outer: int, size: int) -> float:
    """Return a factor by which the library reduces to a size; it rounds quotients down."""
    return outer / (size + 0.5)


def library_config(modules: Sequence[Module]) -> AdapterConfig:
    """Return the library's configuration of one adapter: at most a coupling, then its method."""
    match modules[-1]:
        case Lora() as lora:
            return LoRAConfig(
                attn_matrices=[p[0] for p in lora.projections if p in ("query", "key", "value")],
                intermediate_lora="ffn_up" in lora.projections,
                r=lora.r,
                alpha=lora.alpha,
            )
        case Ia3() as ia3:
            return IA3Config(
                attn_matrices=[p[0] for p in ia3.outputs if p in ("query", "key", "value")],
                intermediate_lora="ffn_up" in ia3.outputs,
            )
        case Bottleneck() as bottleneck:
            nice = modules[0] if isinstance(modules[0], Invertible) else None
            return _bottleneck(bottleneck, nice)
        case other:
            raise ValueError(f"no adapter of the library ends with {other.method!r}")


def _bottleneck(module: Bottleneck, nice: Invertible | None) -> AdapterConfig:
    return BnConfig(
        mh_adapter="attention" in module.sites,
        output_adapter="ffn" in module.sites,
        reduction_factor=_factor(CONFIG.hidden_size, module.size_of(0)),
        non_linearity=_ACTIVATIONS[module.activation],
        original_ln_before=module.norm_before,
        original_ln_after=module.norm_after,
        residual_before_ln=_RESIDUALS[module.residual],
        adapter_residual_before_ln=module.residual_before_new_norm,
        ln_before=module.new_norm_before,
        ln_after=module.new_norm_after,
        is_parallel=module.arrangement == "parallel",
        scaling=module.scaling,
        leave_out=list(module.leave_out),
        inv_adapter="nice" if nice else None,
        inv_adapter_reduction_factor=_factor(CONFIG.hidden_size // 2, nice.size) if nice else None,
    )


def library_names(module: Module, name: str, adapter: str) -> list[str]:
    """Return the library's names for one of our tensors, more than one where it keeps two."""
    _, *rest = name.split(".")
    if isinstance(module, Invertible):
        function, part, tensor = rest
        index = {"down": 0, "up": 2}[part]
        return [f"invertible_adapters.{adapter}.{function.upper()}.{index}.{tensor}"]
    layer, place, *tensor = rest
    at = f"encoder.layer.{layer}"
    if isinstance(module, Lora | Ia3):
        tensor = {"a": "lora_A", "b": "lora_B", "output_scale": "lora_B"}[tensor[0]]
        return [f"{at}.{_PROJECTIONS[place]}.loras.{adapter}.{tensor}"]
    at = f"{at}.{_SITES[place]}.adapters.{adapter}"
    part = ".".join(tensor)
    down = 1 if isinstance(module, Bottleneck) and module.new_norm_before else 0
    part = re.sub(r"^down", f"adapter_down.{down}", part)
    part = re.sub(r"^up", "adapter_up", part)
    part = re.sub(r"^norm_(before|after)", r"adapter_norm_\1", part)
    names = [f"{at}.{part}"]
    if tensor[0] == "norm_before":
        names.append(f"{at}.adapter_down.0.{tensor[1]}")
    return names


def set_weights(bert: torch.nn.Module, case: StackCase, adapters: Sequence[str]) -> None:
    """Give the library's adapters the values of our file; fail where one is left."""
    tensors = float_tensors(case.file(model()))
    owners = [name for name, own in zip(adapters, case.adapters, strict=True) for _ in own]
    parameters = dict(bert.named_parameters(remove_duplicate=False))
    left = {n for n in parameters if any(f".{a}." in n for a in adapters)}
    for index, (module, adapter) in enumerate(zip(case.modules(), owners, strict=True)):
        for name, tensor in tensors.items():
            if name.startswith(f"modules.{index}."):
                for found in library_names(module, name.split(".", 2)[2], adapter):
                    parameters[found].data.copy_(tensor.reshape(parameters[found].shape))
                    left.discard(found)
    if left:
        raise ValueError(f"not set: {sorted(left)}")


def answers(case: StackCase) -> list[torch.Tensor]:
    """Return the last hidden states of every row through a case's stack."""
    config = BertConfig.from_dict(asdict(CONFIG))
    whole = BertAdapterModel(config).eval()
    found = whole.bert.load_state_dict(tiny_weights(CONFIG, SEED), strict=False)
    if found.unexpected_keys or set(found.missing_keys) - {_ALIAS}:
        raise ValueError(f"the backbone was not read as it is: {found}")
    adapters = [f"adapter{index}" for index in range(len(case.adapters))]
    for name, modules in zip(adapters, case.adapters, strict=True):
        whole.add_adapter(name, config=library_config(modules))
    set_weights(whole.bert, case, adapters)
    whole.set_active_adapters(Stack(*adapters))
    whole.eval()
    with torch.no_grad():
        return [
            whole.bert(torch.tensor([row.token_ids])).last_hidden_state[0].clone() for row in rows()
        ]


def main() -> None:
    """Write the answers of every case and row."""
    found = {
        f"{name}.{index}": states_TH
        for name, case in STACKS.items()
        for index, states_TH in enumerate(answers(case))
    }
    save_tensors(Path(sys.argv[1]), found)


if __name__ == "__main__":
    main()
