"""Lets a Dag file that a command imports look up variables and connections, as it does everywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TypeVar, cast

import attrs

from flowcore.cli.asking import require_file
from flowcore.cli.event_loop import run_on_loop
from flowcore.cli.single_tasks import open_sources
from flowcore.database.urls import parse_url
from flowcore.runner.answers import ImportAnswers
from flowcore.sdk.comms.messages import Answer, MaskSecrets, Notice, Request
from flowcore.sdk.comms.questions import current_comms, process_comms
from flowcore.secrets.masking import PROCESS
from flowcore.settings import Settings

A = TypeVar("A", bound=Answer)


@contextmanager
def lookups_in(settings: Settings) -> Iterator[None]:
    """Answer what files ask for that are imported in the block; from the environment if nothing is stored."""
    if parse_url(settings.database_url).is_memory:
        yield
        return
    comms = _ImportComms(settings)
    with current_comms(comms), process_comms(comms):
        yield


@attrs.frozen
class _ImportComms:
    """Implements `questions.Comms`. The database is opened for each question: most files have none."""

    _settings: Settings

    def send(self, request: Request[A]) -> A:
        # In a thread: the file may ask while a loop of its own runs in this one.
        with ThreadPoolExecutor(1) as thread:
            ask = partial(self.asend, request)
            return thread.submit(run_on_loop, self._settings.backend, ask).result()

    async def asend(self, request: Request[A]) -> A:
        require_file(self._settings)
        async with open_sources(self._settings) as (_, secrets):
            return cast("A", await ImportAnswers(secrets).answer(request))

    def post(self, notice: Notice) -> None:
        if isinstance(notice, MaskSecrets):
            PROCESS.add(notice.secrets)
