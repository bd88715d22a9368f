"""What the supervisor answers to questions about state that outlives a try."""

from __future__ import annotations

from typing import Any

from flowcore.domain.workloads import Workload
from flowcore.runner.sources import StateSource
from flowcore.sdk.comms.messages import Answer, Done, Request
from flowcore.sdk.comms.state_messages import DeleteState, GetState, SetState, StateFound


async def answer_about_state(request: Request[Any], workload: Workload, states: StateSource) -> Answer | None:
    """The answer to the try of `workload`; None to a request that is about something else."""
    match request:
        case GetState(key, owner):
            return StateFound(await states.get(workload, key, owner))
        case SetState(key, text, owner):
            await states.set(
                workload,
                key,
                text,
                owner,
                retention_s=request.retention_s,
                never_expires=request.never_expires,
            )
            return Done()
        case DeleteState(key, owner):
            await states.delete(workload, key, owner)
            return Done()
    return None
