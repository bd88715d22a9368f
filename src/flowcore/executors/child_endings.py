"""How a try in a child ended, from what the child said and how its process ended. Nothing here waits.

A try has succeeded only if the child said so.
"""

from __future__ import annotations

import signal

import attrs

from flowcore.domain.workloads import TryOutcome
from flowcore.runner.endings import GIVEN_BACK, Ending, failed
from flowcore.runner.processes.children import ExitStatus

_CRASHES = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT, signal.SIGSYS}
)


_DESCRIPTORS = "let the task use no descriptors that it has not opened"


@attrs.frozen(kw_only=True)
class ChildFate:
    """What is known when the process of a try is gone.

    Attributes:
        said: What the child reported; None when it reported nothing.
        status: How its process ended; None when it is not known to have ended.
        cancel_reason: Why somebody ended the try.
        is_given_back: Whether it was ended by a shutdown, before it had reported anything.
        timeout_s: The execution_timeout that it exceeded, if it did.
        nonsense: In which way it broke the protocol, if it did.
        was_deaf: Whether it closed its socket and went on.
        was_killed: Whether we had to kill it.
    """

    said: Ending | None = None
    status: ExitStatus | None = None
    cancel_reason: str | None = None
    is_given_back: bool = False
    timeout_s: float | None = None
    nonsense: str | None = None
    was_deaf: bool = False
    was_killed: bool = False


def ending_of_child(fate: ChildFate) -> Ending:
    """The ending of the try."""
    if fate.is_given_back and (fate.said is None or fate.said.outcome is not TryOutcome.SUCCESS):
        return GIVEN_BACK
    # Also when the author's code came to its end first: who cancels may rely on what it was told.
    if fate.cancel_reason is not None:
        return failed(fate.cancel_reason + _kill_note(fate))
    if fate.said is not None:
        return fate.said
    return _without_report(fate)


def _without_report(fate: ChildFate) -> Ending:
    if fate.timeout_s is not None:
        return failed(f"the try exceeded its execution_timeout of {fate.timeout_s:g} s{_kill_note(fate)}")
    if fate.nonsense is not None:
        return failed(
            f"the process of the try broke the protocol of its comms socket: {fate.nonsense}; {_DESCRIPTORS}"
        )
    if fate.was_deaf:
        return failed(
            f"the process of the try closed its comms socket and could not report its end; {_DESCRIPTORS}"
        )
    if fate.status is None or fate.status.is_lost:
        return GIVEN_BACK
    return failed(f"the process of the try {death_text(fate.status)}")


def death_text(status: ExitStatus) -> str:
    """What a process did that ended by itself and without a report; the end of a sentence."""
    if status.signal == signal.SIGKILL:
        return (
            "was killed by SIGKILL, which flowcore did not send: perhaps by the kernel's OOM killer because"
            " memory ran out, which its log tells (dmesg); give the machine more memory, or let fewer tries"
            " run at a time"
        )
    if status.signal in _CRASHES:
        return (
            f"crashed in C code ({_name(status.signal)}); the log of the try shows where, mend or replace the"
            " library that is called there"
        )
    if status.signal is not None:
        return f"was ended by {_name(status.signal)}, which flowcore did not send; find out who sends it"
    if status.code == 0:
        return (
            "ended with exit status 0 and without a report, so nobody knows whether the work is done; let the"
            " task return instead of calling os._exit(), and close no descriptors that it has not opened"
        )
    return (
        f"ended with exit status {status.code} and without a report; the log of the try may tell why. Let the"
        " task raise instead of calling os._exit()"
    )


def _kill_note(fate: ChildFate) -> str:
    return "; it did not end when it was asked to, and was killed" if fate.was_killed else ""


def _name(number: int) -> str:
    return str(ExitStatus(signal=number)).removeprefix("signal ")
