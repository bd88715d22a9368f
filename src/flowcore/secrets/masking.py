"""Hides every secret that this process has seen, in logs and in the errors of tries.

What was looked up is masked from then on, however it is written: plain, as part of a URL, in JSON,
in a `repr`, in Base64. The set of secrets belongs to the process, for a secret may surface anywhere.
"""

from __future__ import annotations

import base64
import json
import logging
import threading
import traceback
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MASK = "***"
#: Shorter ones are part of too many words: a log without the letter "a" helps nobody.
LENGTH_MIN = 4
#: A text of so many letters that equals a secret is that secret; a shorter one may be a word.
_WORD_LENGTH_MAX = 15
_UNMISTAKABLE_LENGTH_MIN = 8
#: Fewer characters of Base64 could be anything.
_BASE64_LENGTH_MIN = 8


class Masker:
    """A set of secrets, and texts without them. Use it on any thread."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._adding = threading.Lock()
        # Longest first, so that a secret inside of another leaves no rest of it; replaced as a whole,
        # so that other threads see the old ones or the new ones.
        self._forms: tuple[str, ...] = ()
        self._unmistakable: tuple[str, ...] = ()

    def add(self, secrets: Iterable[str]) -> None:
        """Hide these from now on."""
        with self._adding:
            new = {secret for secret in secrets if len(secret) >= LENGTH_MIN} - self._secrets
            if not new:
                return
            self._secrets |= new
            forms = {form for secret in new for form in (*_forms_of(secret), *_lines_of(secret))}
            self._forms = tuple(sorted({*forms, *self._forms}, key=len, reverse=True))
            unmistakable = filter(_is_unmistakable, new)
            self._unmistakable += tuple({form for secret in unmistakable for form in _forms_of(secret)})

    def mask(self, text: str) -> str:
        """The text with `***` in place of every secret."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text

    def betrays(self, text: str) -> bool:
        """Whether a secret is in the text that nobody would write by chance.

        To mask too much costs a reader a word; this is for where it would cost a user their data. A password
        like `postgres` is not noticed here.
        """
        return any(form in text for form in self._unmistakable)


#: The secrets of this process.
PROCESS = Masker()


class MaskingFilter(logging.Filter):
    """Hides secrets in log records: message, arguments, traceback and stack. For handlers or loggers."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = PROCESS.mask(record.getMessage()), None
        if record.exc_info and record.exc_info[0] is not None and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        if record.exc_text:
            record.exc_text = PROCESS.mask(record.exc_text)
        if record.stack_info:
            record.stack_info = PROCESS.mask(record.stack_info)
        return True


def _is_unmistakable(secret: str) -> bool:
    if len(secret) > _WORD_LENGTH_MAX:
        return True
    return len(secret) >= _UNMISTAKABLE_LENGTH_MIN and not (secret.isalpha() or secret.isdecimal())


def _forms_of(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield from _base64_forms(secret.encode())


def _lines_of(secret: str) -> Iterator[str]:
    """A key of several lines is logged line by line."""
    yield from (line for line in secret.splitlines() if len(line) >= _BASE64_LENGTH_MIN)


def _base64_forms(secret: bytes) -> Iterator[str]:
    """The part that is the same whatever stands before and behind, as in `login:password`."""
    for before in range(3):
        first, last = -(-before * 8 // 6), (before + len(secret)) * 8 // 6
        padded = bytes(before) + secret
        for text in (base64.b64encode(padded), base64.urlsafe_b64encode(padded)):
            if last - first >= _BASE64_LENGTH_MIN:
                yield text[first:last].decode()
