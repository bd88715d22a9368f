"""Have one Dag file read by a process of its own, which may hang, crash and say what it likes."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import anyio
import anyio.to_thread
import attrs

from flowcore.concurrency.single_error import single_error
from flowcore.errors import ProtocolError
from flowcore.processor.catalogue import Outcome
from flowcore.processor.discovery import looks_like_a_dag_file
from flowcore.processor.outputs import Tail
from flowcore.processor.reports import Report, failure
from flowcore.runner.answers import ImportAnswers
from flowcore.runner.dag_files.parse_job import PARSE
from flowcore.runner.processes.channels import SupervisorChannel
from flowcore.runner.processes.children import Child, ExitStatus
from flowcore.runner.processes.connections import ForkServerGone
from flowcore.runner.sources import SecretsSource
from flowcore.sdk.comms.messages import Answer, Request

log = logging.getLogger(__name__)

#: How long a file that was interrupted may take to say where it was.
_LAST_WORDS_S = 1.0


class Forks(Protocol):
    """A fork server (`runner.processes.ForkServer`)."""

    async def fork(self, job: str, payload: Mapping[str, Any], *, outputs: bool = True) -> Child: ...


@attrs.frozen(kw_only=True)
class DagFileReader:
    """Reads the files of one Dag folder.

    Args:
        folder: Its absolute path.
        server: Makes the processes.
        secrets: Where variables and connections are found that files ask for.
        timeout_s: How long a file may take to import.
        safe_mode: Leave files alone that do not look as if they made Dags.
    """

    folder: str
    server: Forks
    secrets: SecretsSource
    timeout_s: float
    safe_mode: bool = True

    async def read(self, path: str) -> Outcome:
        """What came of the file at `path` below the folder; the timeout bounds how long this takes.

        Raises:
            ForkServerGone: the server ended meanwhile; perhaps the file has ended it.
            ForkFailed: the operating system makes no process now.
        """
        file = os.path.join(self.folder, *path.split("/"))
        if self.safe_mode and not await anyio.to_thread.run_sync(looks_like_a_dag_file, Path(file)):
            return Outcome()
        async with await self.server.fork(PARSE, {"path": file, "folder": self.folder}) as child:
            return await self._follow(file, child)

    async def _follow(self, file: str, child: Child) -> Outcome:
        report, printed, breach = Report(), Tail(), None
        with anyio.move_on_after(self.timeout_s + _LAST_WORDS_S):
            async with anyio.create_task_group() as nursery:
                nursery.start_soon(printed.collect, child.stdout)
                nursery.start_soon(printed.collect, child.stderr)
                breach = await self._listen(child, report)
        if printed.text:
            log.debug("%s printed: %s", file, printed.text)
        if child.status is not None and child.status.is_lost:
            raise ForkServerGone
        outcome = await anyio.to_thread.run_sync(partial(report.outcome, folder=self.folder, path=file))
        if outcome is None:
            why = breach or _why_it_ended(child.status, self.timeout_s)
            return failure(file, f"{file}: {why}", printed.text)
        return outcome

    async def _listen(self, child: Child, report: Report) -> str | None:
        """Take what the child says until it ends, or breaks the protocol; then how."""
        channel = SupervisorChannel(child.comms, answer=self._answer, note=report.take)
        try:
            with single_error():
                async with anyio.create_task_group() as nursery:
                    nursery.start_soon(self._interrupt_in_time, child)
                    await channel.serve()
                    await child.wait()
                    nursery.cancel_scope.cancel()
        except ProtocolError as error:
            child.kill()
            return f"it broke the protocol of its socket: {error.wrong}; mend the file"
        return None

    async def _interrupt_in_time(self, child: Child) -> None:
        await anyio.sleep(self.timeout_s)
        child.interrupt()

    async def _answer(self, request: Request[Any], ref: int | None) -> Answer:
        return await ImportAnswers(self.secrets).answer(request)


def _why_it_ended(status: ExitStatus | None, timeout_s: float) -> str:
    if status is None:
        return (
            f"it took longer than {timeout_s:g} s to import and could not be interrupted; do less at import,"
            " or raise dag_file_timeout_s"
        )
    if status.signal == signal.SIGKILL:
        return "the process that imported it was killed, perhaps because memory ran out; import less"
    if status.signal is not None:
        return f"the process that imported it crashed ({status}); a module that it imports is broken"
    return f"the process that imported it ended ({status}); leave out what ends the interpreter"
