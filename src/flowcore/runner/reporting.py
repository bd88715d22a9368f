"""How a child tells its supervisor that a try is over. Without this report no try has succeeded."""

from __future__ import annotations

from flowcore.errors import MessageTooLarge
from flowcore.runner.endings import Ending, failed
from flowcore.sdk.comms.messages import TryOver
from flowcore.sdk.comms.questions import Comms


def report(ending: Ending, comms: Comms) -> Ending:
    """Post the ending of a try, and return it; if its XComs are too large for that, it failed.

    Raises:
        PeerGone: nobody wants to know.
    """
    try:
        _post(ending, comms)
    except MessageTooLarge as error:
        sizes = sorted(((len(text), key) for key, text in ending.xcoms.items()), reverse=True)
        largest = ", ".join(f"{key!r} has {size}" for size, key in sizes[:3])
        ending = failed(f"the XComs of the try are too large: {error} ({largest})")
        _post(ending, comms)
    return ending


def _post(ending: Ending, comms: Comms) -> None:
    comms.post(
        TryOver(
            ending.outcome,
            ending.xcoms,
            ending.error,
            ending.effects,
            ending.reschedule_at,
            ending.asset_updates,
            ending.advice,
        )
    )
