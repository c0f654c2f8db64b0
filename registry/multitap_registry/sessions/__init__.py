"""Uploads that arrive in parts, over many requests, and survive a cut connection or a restart."""

from .contract import PartFile, SessionLimits, SessionStore, SessionUpload, UploadSession
from .sessions import UploadSessions

__all__ = [
    "PartFile",
    "SessionLimits",
    "SessionStore",
    "SessionUpload",
    "UploadSession",
    "UploadSessions",
]
