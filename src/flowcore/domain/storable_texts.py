"""Texts that every database keeps."""

from __future__ import annotations


def storable(text: str) -> str:
    """Write out what databases refuse: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
