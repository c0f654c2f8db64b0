"""One head of every kind, for tests that hold for all of them."""

from collections.abc import Sequence

from multitap_adapters.spec import Head, HeadKind, HeadLayer

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def tagging_head(labels: Sequence[str] = TAGS) -> Head:
    """Return a head that labels every token."""
    layers = (HeadLayer(out=len(labels)),)
    return Head(kind="tagging", labels=tuple(labels), input="tokens", layers=layers)


def question_head() -> Head:
    """Return a head that gives every token a start and an end."""
    return Head(kind="question_answering", input="tokens", layers=(HeadLayer(out=2),))


HEADS: dict[HeadKind, Head] = {
    "classification": Head(
        kind="classification", labels=("no", "yes"), input="mean", layers=(HeadLayer(out=2),)
    ),
    "multilabel": Head(
        kind="multilabel", labels=("a", "b", "c"), input="cls", layers=(HeadLayer(out=3),)
    ),
    "regression": Head(kind="regression", input="mean", layers=(HeadLayer(out=1),)),
    "tagging": tagging_head(),
    "question_answering": question_head(),
    "embedding": Head(kind="embedding", input="mean", normalize=True),
}
