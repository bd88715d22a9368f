"""Work that consists of commands one after another, written once for functions and coroutines.

It is a generator that yields a `Command`, or seconds to wait, and is sent how the command ended:

    def _steps(self) -> Steps[str]:
        finished = yield Command(["make"], env)
        return finished.last_line
"""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from flowcore.sdk.subprocesses.commands import Command, CommandCall, Finished, OnLine

T = TypeVar("T")

Steps = Generator[Command | float, Finished | None, T]


class StepsCall:
    """Carries such work out; `run` or `arun` it once, `kill` what runs from any thread."""

    def __init__(self, on_line: OnLine) -> None:
        self._on_line = on_line
        self._call: CommandCall | None = None

    def run(self, steps: Steps[T]) -> T:
        """Carry it out, blocking; errors of a command that cannot be started are raised in the work."""
        try:
            step = next(steps)
            while True:
                try:
                    sent = self._done(step)
                except Exception as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(sent)
        except StopIteration as over:
            result: T = over.value
            return result
        finally:
            steps.close()

    async def arun(self, steps: Steps[T]) -> T:
        """The same for coroutines."""
        try:
            step = next(steps)
            while True:
                try:
                    sent = await self._adone(step)
                except Exception as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(sent)
        except StopIteration as over:
            result: T = over.value
            return result
        finally:
            steps.close()

    def kill(self) -> None:
        """End the command that runs, if one does."""
        if self._call is not None:
            self._call.kill()

    def _done(self, step: Command | float) -> Finished | None:
        if isinstance(step, Command):
            self._call = CommandCall(step, self._on_line)
            return self._call.run()
        time.sleep(step)
        return None

    async def _adone(self, step: Command | float) -> Finished | None:
        if isinstance(step, Command):
            return await CommandCall(step, self._on_line).arun()
        await anyio.sleep(step)
        return None


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is deleted at the end of the block."""
    folder = mkdtemp(prefix="flowcore-")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def atemporary_folder() -> AsyncIterator[Path]:
    """The same for coroutines; large ones take their time to be deleted."""
    folder = mkdtemp(prefix="flowcore-")
    delete: Any = partial(shutil.rmtree, folder, ignore_errors=True)
    try:
        yield Path(folder)
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(delete)
