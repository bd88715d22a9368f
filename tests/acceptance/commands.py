"""The installed command, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner

from flowcore.cli.root import root


def flowcore(folder: Path, *arguments: str, timeout_s: float = 250) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "flowcore.cli", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )


def flowcore_here(folder: Path, *arguments: str) -> str:
    """The same in this process, which is quicker and is no part of what is tested; what was printed."""
    url = f"sqlite:///{folder / 'flowcore.db'}"
    done = CliRunner().invoke(root, [*arguments, "--database-url", url], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def error_of(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that tells what was wrong with the input."""
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command in `folder`; it is killed at the end of the block if it has not ended by then."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "flowcore.cli", *arguments],
        cwd=folder,
        env={**os.environ, "FLOWCORE_LOG_LEVEL": "info"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_line(process: subprocess.Popen[str], text: str) -> str:
    """Read the process's output up to the first line that contains `text`."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if text in line:
            return line
    raise AssertionError(f"{text!r} was never said: {''.join(seen)}")
