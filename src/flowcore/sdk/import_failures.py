"""What is told to the author of a Dag file that cannot be imported: where in the file, what, the remedy."""

from __future__ import annotations

import traceback
from pathlib import Path

from flowcore.errors import DagError, FlowcoreError


def import_failure(path: Path, error: BaseException) -> str:
    """In one line, what an error that importing `path` raised means to its author."""
    if isinstance(error, SyntaxError):
        return f"{error.filename or path}:{error.lineno}: {type(error).__name__}: {error.msg}; mend the file"
    where = place_in_file(path, error)
    if isinstance(error, DagError):
        return f"{where}: {error}"
    message = f"{where}: {type(error).__name__}: {' '.join(str(error).split())}"
    # Ours say themselves what to do, which may have nothing to do with the file.
    return message if isinstance(error, FlowcoreError) else f"{message}; {_remedy(error)}"


def place_in_file(path: Path, error: BaseException) -> str:
    """The file, with the last of its lines that the error came through, if it came through any."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _remedy(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return "install the distribution that has it, or put the module into the Dag folder"
    return "mend the file"
