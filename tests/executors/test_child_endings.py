from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.workloads import TryOutcome
from flowcore.executors.child_endings import ChildFate, death_text, ending_of_child
from flowcore.runner.endings import GIVEN_BACK, Ending, failed
from flowcore.runner.processes.children import LOST, ExitStatus

SUCCESS = Ending(TryOutcome.SUCCESS, {"k": "1"})
CLEAN, KILLED = ExitStatus(code=0), ExitStatus(signal=signal.SIGKILL)


def test_what_the_child_said_counts_however_its_process_ended():
    assert ending_of_child(ChildFate(said=SUCCESS, status=KILLED, was_killed=True)) == SUCCESS


def test_without_a_report_nothing_has_succeeded():
    assert ending_of_child(ChildFate(status=CLEAN)).outcome is TryOutcome.FAILED


def test_who_cancelled_is_told_the_truth_although_the_child_was_quicker():
    fate = ChildFate(said=SUCCESS, status=CLEAN, cancel_reason="marked failed")
    assert ending_of_child(fate) == failed("marked failed")


def test_kill_is_told():
    fate = ChildFate(status=KILLED, cancel_reason="marked failed", was_killed=True)
    assert ending_of_child(fate).error == "marked failed; it did not end when it was asked to, and was killed"


def test_shutdown_gives_back_what_it_interrupted():
    assert ending_of_child(ChildFate(said=failed("interrupted"), is_given_back=True)) is GIVEN_BACK


def test_success_in_the_last_moment_is_a_success():
    assert ending_of_child(ChildFate(said=SUCCESS, is_given_back=True)) == SUCCESS


def test_loss_of_the_fork_server_is_not_the_tasks_fault():
    assert ending_of_child(ChildFate(status=LOST)) is GIVEN_BACK


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (ExitStatus(signal=signal.SIGKILL), "the kernel's OOM killer"),
        (ExitStatus(signal=signal.SIGSEGV), "crashed in C code (SIGSEGV)"),
        (ExitStatus(signal=signal.SIGTERM), "was ended by SIGTERM, which flowcore did not send"),
        (ExitStatus(signal=63), "was ended by 63"),
        (ExitStatus(code=0), "exit status 0 and without a report"),
        (ExitStatus(code=7), "exit status 7 and without a report"),
    ],
)
def test_death_is_put_into_words(status, told):
    assert told in death_text(status)


STATUSES = st.none() | st.just(LOST) | st.builds(ExitStatus.of, st.integers(-64, 255))
FATES = st.builds(
    ChildFate,
    said=st.none() | st.sampled_from([SUCCESS, failed("bug"), GIVEN_BACK]),
    status=STATUSES,
    cancel_reason=st.none() | st.just("why"),
    is_given_back=st.booleans(),
    timeout_s=st.none() | st.just(1.0),
    nonsense=st.none() | st.just("it babbled"),
    was_deaf=st.booleans(),
    was_killed=st.booleans(),
)


@given(FATES)
def test_success_is_only_what_the_child_said(fate):
    ending = ending_of_child(fate)
    assert ending.outcome is not TryOutcome.SUCCESS or fate.said is ending
    assert ending.outcome is not TryOutcome.FAILED or ending.error
