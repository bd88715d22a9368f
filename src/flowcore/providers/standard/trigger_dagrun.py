"""`TriggerDagRunOperator`: a run of another Dag, and if wanted the wait for its end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import anyio

from flowcore.domain.dag_runs import DagRun
from flowcore.domain.requested_runs import RequestedRun, RunRequest, TriggerOutcome, names_of_tries
from flowcore.domain.states import DagRunState
from flowcore.errors import DagError
from flowcore.sdk.context import Context
from flowcore.sdk.exceptions import AirflowException, TaskFailed, TaskSkipped
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.run_requests import alook_at_run, atrigger_run, look_at_run, trigger_run

#: The XCom that says which run it was.
TRIGGER_RUN_ID = "trigger_run_id"
#: How long after the run was made it is looked at for the first time, if `poke_interval` is not shorter.
_FIRST_LOOK_S = 1.0


class _NotGiven:
    """Where None is something that authors say."""


_NOT_GIVEN: Final = _NotGiven()
_Moment = str | datetime | None | _NotGiven


class DagIsPaused(AirflowException):
    """The Dag to be triggered is paused, and the task was told to fail then."""


class TriggerDagRunOperator(BaseOperator):
    """Makes a run of a Dag; its id is pushed as XCom `trigger_run_id`.

    Args:
        task_id: See `BaseOperator`.
        trigger_dag_id: The Dag.
        trigger_run_id: How the run is called. Without it a name is made up that is this task instance's own:
            a try whose predecessor got no answer takes over what that had made. After a run that has ended
            in one of the `failed_states`, another try makes a new one, and so does a task that was cleared.
        conf: What the run is given: a JSON object, or its text.
        logical_date: A datetime, an ISO text, or None for a run without one; by default the present, or none
            if there is a `run_after`.
        run_after: Until when the run waits; by default its logical date.
        reset_dag_run: Clear a run that has the id or logical date, in place of failing. It keeps its conf.
        wait_for_completion: Wait until the run has ended. This is awaited: it holds no process.
        poke_interval: The longest time between two looks at the run while waiting, in seconds or as a
            timedelta; at first it is looked at more often.
        allowed_states: States of the run that let the task succeed when waiting; by default success.
        failed_states: States that fail it; by default failed.
        skip_when_already_exists: Skip the task if a run has the id or logical date, in place of failing it.
        fail_when_dag_is_paused: Fail when the Dag is paused, in place of making a run that waits.
        deferrable: Changes nothing, and is here for Dag files of Airflow.
        note: The same.
        openlineage_inject_parent_info: The same.
        arguments: See `BaseOperator`.

    Raises:
        DagError: one of the states is none, or `poke_interval` is not above 0.
    """

    template_fields = (
        "trigger_dag_id",
        "trigger_run_id",
        "logical_date",
        "run_after",
        "conf",
        "wait_for_completion",
        "skip_when_already_exists",
    )
    template_fields_renderers = MappingProxyType({"conf": "py"})

    def __init__(
        self,
        task_id: str,
        *,
        trigger_dag_id: str,
        trigger_run_id: str | None = None,
        conf: Mapping[str, Any] | str | None = None,
        logical_date: _Moment = _NOT_GIVEN,
        run_after: _Moment = _NOT_GIVEN,
        reset_dag_run: bool = False,
        wait_for_completion: bool = False,
        poke_interval: timedelta | float = 60.0,
        allowed_states: Iterable[str] | None = None,
        failed_states: Iterable[str] | None = None,
        skip_when_already_exists: bool = False,
        fail_when_dag_is_paused: bool = False,
        deferrable: bool = False,
        note: str | None = None,
        openlineage_inject_parent_info: bool = True,
        **arguments: Any,
    ) -> None:
        super().__init__(task_id, **arguments)
        self.trigger_dag_id, self.trigger_run_id, self.conf = trigger_dag_id, trigger_run_id, conf
        self.logical_date, self.run_after = logical_date, run_after
        self.reset_dag_run, self.wait_for_completion = reset_dag_run, wait_for_completion
        self.skip_when_already_exists = skip_when_already_exists
        self.fail_when_dag_is_paused = fail_when_dag_is_paused
        self.allowed_states = self._states("allowed_states", allowed_states or [DagRunState.SUCCESS])
        failing = [DagRunState.FAILED] if failed_states is None else failed_states
        self.failed_states = self._states("failed_states", failing)
        self.poke_interval = (
            poke_interval.total_seconds() if isinstance(poke_interval, timedelta) else float(poke_interval)
        )
        if not self.poke_interval > 0:
            raise DagError(f"task {self.task_id!r} has poke_interval={poke_interval!r}; give one above 0")

    def execute(self, context: Context) -> None:
        """Make the run, and wait for it, blocking; for subclasses that are functions."""
        run_id = self._taken(trigger_run(self._request(context)))
        context["ti"].xcom_push(TRIGGER_RUN_ID, run_id)
        for wait_s in self._waits_s():
            time.sleep(wait_s)
            if self._has_ended(look_at_run(self.trigger_dag_id, run_id)):
                return

    async def aexecute(self, context: Context) -> None:
        """Make the run, and wait for it."""
        run_id = self._taken(await atrigger_run(self._request(context)))
        await context["ti"].axcom_push(TRIGGER_RUN_ID, run_id)
        for wait_s in self._waits_s():
            await anyio.sleep(wait_s)
            if self._has_ended(await alook_at_run(self.trigger_dag_id, run_id)):
                return

    def _request(self, context: Context) -> RunRequest:
        logical_date = self._moment("logical_date", self.logical_date)
        run_after = self._moment("run_after", self.run_after)
        is_undated = self.logical_date is None or (
            self.logical_date is _NOT_GIVEN and self.run_after is not _NOT_GIVEN
        )
        return RunRequest(
            dag_id=self.trigger_dag_id,
            conf=self._conf(),
            run_id=str(self.trigger_run_id) if self.trigger_run_id else None,
            names=self._names(context),
            logical_date=logical_date,
            is_undated=is_undated,
            run_after=run_after,
            resets=self.reset_dag_run,
            refuses_paused=self.fail_when_dag_is_paused,
            again_after=tuple(self.failed_states) if self.wait_for_completion else (),
        )

    def _names(self, context: Context) -> tuple[str, ...]:
        ti, run = context["ti"], context["dag_run"]
        return names_of_tries(
            f"{ti.dag_id}/{ti.run_id}/{ti.task_id}/{ti.map_index}/{ti.id}",
            run.run_after,
            try_number=ti.try_number,
            max_tries=ti.max_tries,
            retries=self.retries,
        )

    def _conf(self) -> Mapping[str, Any]:
        try:
            given = json.loads(self.conf) if isinstance(self.conf, str) else self.conf or {}
            conf = json.loads(json.dumps(given, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise DagError(
                f"the conf of task {self.task_id!r} is no JSON: {error}; use texts, finite numbers, lists and"
                " dicts"
            ) from None
        if not isinstance(conf, dict):
            raise DagError(f"the conf of task {self.task_id!r} is {conf!r:.80}; make it a dict")
        return conf

    def _moment(self, name: str, given: _Moment) -> datetime | None:
        if given is None or isinstance(given, _NotGiven):
            return None
        try:
            moment = given if isinstance(given, datetime) else datetime.fromisoformat(given)
        except (TypeError, ValueError):
            raise DagError(
                f"task {self.task_id!r} has {name}={given!r}; give a datetime or an ISO text"
            ) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def _taken(self, got: RequestedRun) -> str:
        """The id of the run that is ours now; raises what becomes of the task if there is none."""
        self.log.info("run %s of %s: %s", got.run_id, self.trigger_dag_id, got.outcome)
        match got.outcome:
            case TriggerOutcome.PAUSED:
                raise DagIsPaused(f"Dag {self.trigger_dag_id} is paused; unpause it")
            case TriggerOutcome.EXISTS:
                message = f"Dag {self.trigger_dag_id!r} has a run {got.run_id!r} of that id or date already"
                if self.skip_when_already_exists:
                    raise TaskSkipped(message)
                raise TaskFailed(f"{message}; give it another one, or reset_dag_run=True")
            case TriggerOutcome.CREATED | TriggerOutcome.TAKEN_OVER | TriggerOutcome.RESET:
                return got.run_id

    def _waits_s(self) -> Iterator[float]:
        """The time until each further look at the run; none if nobody waits for it."""
        wait_s = min(_FIRST_LOOK_S, self.poke_interval)
        while self.wait_for_completion:
            yield wait_s
            wait_s = min(wait_s * 1.5, self.poke_interval)

    def _has_ended(self, run: DagRun) -> bool:
        if run.state in self.failed_states:
            raise AirflowException(f"run {run.run_id!r} of Dag {run.dag_id!r} is {run.state}; see why")
        return run.state in self.allowed_states

    def _states(self, name: str, given: Iterable[str]) -> tuple[DagRunState, ...]:
        try:
            return tuple(DagRunState(state) for state in given)
        except ValueError as error:
            raise DagError(
                f"task {self.task_id!r} has {name} of which {error}; use {', '.join(DagRunState)}"
            ) from None
