"""What a task asks about state that outlives its try; see `messages.py`. `text` is always a JSON text.

Each may fail with DatabaseUnavailable, and with UsageError when it names an asset that no Dag has.
"""

from __future__ import annotations

import attrs

from flowcore.domain.state_owners import OWN, StateOwner
from flowcore.sdk.comms.messages import Answer, Done, Request


@attrs.frozen
class StateFound(Answer):
    """The value; None if there is none."""

    text: str | None = None


@attrs.frozen
class GetState(Request[StateFound]):
    """Find the value of a key."""

    key: str
    owner: StateOwner = OWN


@attrs.frozen
class SetState(Request[Done]):
    """Write a value over what is there. Errors: UsageError when the try is not the current one any more.

    It is kept for so many seconds, or without them as long as the operator has set, unless it
    `never_expires`. The state of an asset never does.
    """

    key: str
    text: str = attrs.field(repr=False)
    owner: StateOwner = OWN
    retention_s: float | None = None
    never_expires: bool = False


@attrs.frozen
class DeleteState(Request[Done]):
    """Delete a key, or without one all of them. Errors: as of SetState."""

    key: str | None = None
    owner: StateOwner = OWN
