"""Token counts that come back: a batch is filled up to one of few sizes.

oneDNN compiles a kernel for every shape that it meets (about 2 ms and half a megabyte each) and
keeps the last thousand. Token counts of real traffic are all different, so without this most
batches would compile, and a process would grow by half a gigabyte. Steps are a sixteenth to an
eighth of the size, so a few per cent of the tokens are filler.
"""

_SMALLEST_STEP = 4


def bucket(tokens: int) -> int:
    """Return the smallest recurring size that holds `tokens`, 1 at least."""
    step = max(_SMALLEST_STEP, 1 << max((tokens - 1).bit_length() - 4, 0))
    return -(-tokens // step) * step


def recurs(tokens: int) -> bool:
    """Return whether this many tokens is one of the recurring sizes."""
    return tokens > 0 and bucket(tokens) == tokens
