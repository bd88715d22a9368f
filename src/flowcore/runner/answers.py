"""`Answers`: what the supervisor answers to the requests of a try, wherever the try runs."""

from __future__ import annotations

import logging
from typing import Any

from flowcore.domain.workloads import Workload
from flowcore.errors import FlowcoreError, InvariantBroken, UsageError
from flowcore.runner.run_answers import answer_about_runs, answer_by_triggering
from flowcore.runner.sources import SecretsSource, TrySources
from flowcore.runner.state_answers import answer_about_state
from flowcore.runner.xcoms.answers import answer_about_xcoms
from flowcore.sdk.comms.messages import (
    Answer,
    ConnectionFound,
    DeleteVariable,
    Done,
    GetConnection,
    GetVariable,
    ListVariableKeys,
    Request,
    SetVariable,
    VariableFound,
    VariableKeys,
)

log = logging.getLogger(__name__)


class Answers:
    """Answers for one try; any number of requests at a time, on the event loop of its sources."""

    def __init__(self, workload: Workload, sources: TrySources) -> None:
        self._workload, self._sources = workload, sources

    async def answer(self, request: Request[Any]) -> Answer:
        """Do what is asked for.

        Raises:
            FlowcoreError: it failed; nothing else leaves, for it would not find its way to the try.
        """
        try:
            return await self._answer(request)
        except FlowcoreError:
            raise
        except Exception as error:
            name = type(request).__name__
            log.exception("%s of %s cannot be answered", name, self._workload)
            raise InvariantBroken(
                f"{name} could not be answered: {type(error).__name__}; the log of the scheduler has more"
            ) from None

    async def _answer(self, request: Request[Any]) -> Answer:
        answer = await answer_about_secrets(request, self._sources.secrets)
        answer = answer or await answer_about_xcoms(request, self._sources.xcoms)
        answer = answer or await answer_about_runs(request, self._sources.runs)
        answer = answer or await answer_by_triggering(request, self._sources.trigger)
        answer = answer or await answer_about_state(request, self._workload, self._sources.states)
        if answer is None:
            raise InvariantBroken(f"nobody answers {type(request).__name__}; please report it")
        return answer


class ImportAnswers:
    """Answers to a Dag file while it is imported: what concerns no run."""

    def __init__(self, secrets: SecretsSource) -> None:
        self._secrets = secrets

    async def answer(self, request: Request[Any]) -> Answer:
        """Do what is asked for.

        Raises:
            FlowcoreError: it failed.
        """
        answer = await answer_about_secrets(request, self._secrets)
        if answer is None:
            raise UsageError(
                f"{type(request).__name__} was asked for where no task runs; do it in the function of a task"
            )
        return answer


async def answer_about_secrets(request: Request[Any], secrets: SecretsSource) -> Answer | None:
    """Do what is asked for, if it is about connections or variables. Raises what `secrets` does."""
    match request:
        case GetConnection(conn_id):
            return ConnectionFound(await secrets.connection(conn_id))
        case GetVariable(key):
            return VariableFound(await secrets.variable(key))
        case SetVariable(key, value, description):
            await secrets.set_variable(key, value, description)
            return Done()
        case DeleteVariable(key):
            await secrets.delete_variable(key)
            return Done()
        case ListVariableKeys(prefix):
            return VariableKeys(tuple(await secrets.variable_keys(prefix)))
    return None
