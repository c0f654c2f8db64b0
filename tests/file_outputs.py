"""What a server's runner computes from an adapter file, for tests of how files are made."""

from collections.abc import Sequence

from multitap_adapters.backbone import Backbone
from multitap_adapters.file import parse_adapter
from multitap_adapters.loading import load_adapter
from multitap_server.engine.contract import EncodedRow, Output
from multitap_server.engine.runner import RunnableRow, Runner


def file_outputs(
    data: bytes, backbone: Backbone, texts: Sequence[str], *, max_tokens: int
) -> list[Output]:
    """Return the head's output for each text."""
    adapter = load_adapter(parse_adapter(data), backbone)
    rows = [
        RunnableRow(adapter, EncodedRow(t.token_ids, t.type_ids, truncated=False))
        for t in backbone.tokenizer.tokenize(texts, max_tokens=max_tokens)
    ]
    return Runner(backbone).run(rows)
