"""multitap: one frozen transformer, one small adapter per task, one forward pass for all of them."""

__version__ = "0.1.0"
