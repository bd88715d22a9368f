"""What a task asks when it wants a run of another Dag, in both colours."""

from __future__ import annotations

from flowcore.domain.dag_runs import DagRun
from flowcore.domain.requested_runs import RequestedRun, RunRequest
from flowcore.errors import DagRunNotFound
from flowcore.sdk.comms.questions import Question, ask, awaiting, blocking
from flowcore.sdk.comms.run_messages import GetDagRun, TriggerDagRun


def _trigger(request: RunRequest) -> Question[RequestedRun]:
    return (yield from ask(TriggerDagRun(request))).triggered


def _look_at(dag_id: str, run_id: str) -> Question[DagRun]:
    run = (yield from ask(GetDagRun(dag_id, run_id))).run
    if run is None:
        raise DagRunNotFound(dag_id, run_id)
    return run


trigger_run = blocking(_trigger, face="TriggerDagRunOperator.execute")
atrigger_run = awaiting(_trigger)
look_at_run = blocking(_look_at, face="TriggerDagRunOperator.execute")
alook_at_run = awaiting(_look_at)
