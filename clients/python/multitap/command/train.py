"""`multitap train`: make an adapter from labelled text."""


def train() -> None:
    """Train an adapter."""
