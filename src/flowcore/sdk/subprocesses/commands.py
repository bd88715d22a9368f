"""Commands in both colours: their output line by line, and an end that leaves nothing running.

A command is the leader of a process group of its own. Whoever leaves early, by a timeout, a cancellation or
an error, ends the whole group: terminated first, killed when it has not gone in time.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import attrs
from anyio.streams.text import TextReceiveStream

from flowcore.errors import DagError

#: How long a command may take to end after it was told to.
TERMINATE_S = 3.0

OnLine = Callable[[str], object]


@attrs.frozen
class Command:
    """A program with its arguments; without a `cwd` it runs in an empty folder that is deleted afterwards.

    `env` is the whole environment.
    """

    argv: Sequence[str]
    env: Mapping[str, str] = attrs.field(repr=False)
    cwd: str | None = None
    encoding: str = "utf-8"


@attrs.frozen
class Finished:
    """How a command ended: its exit status (-N: signal N) and its last line."""

    exit_status: int
    last_line: str


class CommandCall:
    """One call of a command; `run` or `arun` it once, `kill` it from any thread."""

    def __init__(self, command: Command, on_line: OnLine) -> None:
        self._command, self._on_line = command, on_line
        self._last_line = ""
        self._pid: int | None = None

    def run(self) -> Finished:
        """Run the command to its end, blocking.

        Raises:
            DagError: the folder is none.
            OSError: the program cannot be started.
        """
        with TemporaryDirectory(prefix="flowcore-") as empty:
            encoding, options = self._command.encoding, self._options(empty)
            with subprocess.Popen(
                self._command.argv, encoding=encoding, errors="replace", **options
            ) as process:
                self._pid = process.pid
                try:
                    assert process.stdout is not None
                    for line in process.stdout:
                        self._take(line)
                    return Finished(process.wait(), self._last_line)
                except BaseException:
                    self._end(process)
                    raise
                finally:
                    self._pid = None

    async def arun(self) -> Finished:
        """The same as `run` for coroutines."""
        with TemporaryDirectory(prefix="flowcore-") as empty:
            async with await anyio.open_process(self._command.argv, **self._options(empty)) as process:
                self._pid = process.pid
                try:
                    assert process.stdout is not None
                    await self._read(TextReceiveStream(process.stdout, self._command.encoding, "replace"))
                    return Finished(await process.wait(), self._last_line)
                finally:
                    await self._aend(process)
                    self._pid = None

    def kill(self) -> None:
        """End the command and everything in its process group at once, if it runs."""
        if self._pid is not None:
            _signal_group(self._pid, signal.SIGKILL)

    def _options(self, empty: str) -> dict[str, Any]:
        cwd = self._command.cwd or empty
        if not Path(cwd).is_dir():
            raise DagError(f"the command's cwd {cwd!r} is no folder; create it, or name another")
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return {"cwd": cwd, "env": dict(self._command.env), "start_new_session": True, **pipes}

    async def _read(self, output: TextReceiveStream) -> None:
        rest = ""
        async for text in output:
            *lines, rest = (rest + text).split("\n")
            for line in lines:
                self._take(line)
        if rest:
            self._take(rest)

    def _take(self, line: str) -> None:
        self._last_line = line.rstrip("\r\n")
        self._on_line(self._last_line)

    def _end(self, process: subprocess.Popen[str]) -> None:
        _signal_group(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(TERMINATE_S)
        _signal_group(process.pid, signal.SIGKILL)

    async def _aend(self, process: anyio.abc.Process) -> None:
        if process.returncode is None:
            _signal_group(process.pid, signal.SIGTERM)
            with anyio.move_on_after(TERMINATE_S, shield=True):
                await process.wait()
        _signal_group(process.pid, signal.SIGKILL)


def _signal_group(pid: int, number: signal.Signals) -> None:
    # Either error means that all of it has gone.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
