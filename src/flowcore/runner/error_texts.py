"""Errors of the author's code as texts that an author understands and a database keeps."""

from __future__ import annotations

import re
import traceback
from types import TracebackType

from flowcore.domain.storable_texts import storable
from flowcore.sdk.folder_modules import DAG_FILE_PREFIX
from flowcore.secrets.masking import PROCESS

# The machinery between the loop and the author's code, whose frames tell the author nothing.
_MACHINERY = ("flowcore", "anyio", "asyncio", "trio", "threading", "jinja2")

_MODULE_OF_A_FILE = re.compile(rf"\b{DAG_FILE_PREFIX}[0-9a-f]+_")

#: So many characters of an error are kept.
_TEXT_MAX = 100_000


def text_of(error: BaseException) -> str:
    """The traceback from the author's code on, without secrets and as a database can keep it."""
    trace = _from_the_author_on(error.__traceback__)
    text = "".join(traceback.format_exception(type(error), error, trace)).rstrip()
    # Classes of the Dag file are shown as those of a module that is called as the file is.
    text = _MODULE_OF_A_FILE.sub("", text)
    return storable(cut(PROCESS.mask(text)))


def cut(text: str) -> str:
    """Leave out the middle of what nobody would read whole."""
    if len(text) <= _TEXT_MAX:
        return text
    half = _TEXT_MAX // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters are left out …\n{text[-half:]}"


def _from_the_author_on(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] in _MACHINERY:
        trace = trace.tb_next
    return trace
