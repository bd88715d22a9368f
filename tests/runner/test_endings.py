from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowcore.domain.workloads import TryOutcome
from flowcore.runner.endings import Ending, ending_of
from flowcore.sdk import DAG, DownstreamTasksSkipped, TaskFailed, TaskSkipped, task
from flowcore.sdk.exceptions import TaskRescheduled

SKIP, FAIL, BUG = TaskSkipped("enough"), TaskFailed("broken"), ValueError("bug")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (SKIP, TryOutcome.SKIPPED),
        (FAIL, TryOutcome.FAILED_FOR_GOOD),
        (BUG, TryOutcome.FAILED),
        (SystemExit(0), TryOutcome.FAILED),
        (GeneratorExit(), TryOutcome.FAILED),
        (ExceptionGroup("", [SKIP, ExceptionGroup("", [SKIP])]), TryOutcome.SKIPPED),
        (ExceptionGroup("", [SKIP, BUG]), TryOutcome.FAILED),
        (ExceptionGroup("", [SKIP, BUG, FAIL]), TryOutcome.FAILED_FOR_GOOD),
        (BaseExceptionGroup("", [SystemExit(), BUG]), TryOutcome.FAILED),
    ],
)
def test_what_was_raised_says_how_it_ended(error, outcome):
    assert ending_of(error, {}).outcome is outcome


def test_what_was_pushed_before_is_kept():
    assert ending_of(BUG, {"k": "1"}).xcoms == {"k": "1"}


def test_reason_of_a_skip_is_kept():
    assert ending_of(SKIP, {}).error == "enough"
    assert ending_of(TaskSkipped(), {}).error is None


def test_error_shows_the_authors_frames_only():
    def author():
        raise ValueError("bug")

    with pytest.raises(ValueError) as caught:
        author()
    lines = ending_of(caught.value, {}).error.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "in author" in lines[-2] or "in author" in lines[-3]
    assert lines[-1] == "ValueError: bug"


def test_characters_that_no_database_keeps_are_written_out():
    assert ending_of(ValueError("a\0b\ud800c"), {}).error.endswith(r"a\x00b\ud800c")
    assert ending_of(TaskSkipped("a\0b\ud800c"), {}).error == r"a\x00b\ud800c"


def branching():
    """A branch with one task after it."""
    with DAG("d"):
        branch = task.branch(task_id="a")(list)()
        branch >> task(task_id="b")(list)()
    return branch.operator


def test_try_that_skips_tasks_after_it_is_a_success():
    ending = ending_of(DownstreamTasksSkipped(tasks=["b"]), {"k": "1"}, task=branching())
    assert (ending.outcome, ending.xcoms, ending.effects.skips) == (TryOutcome.SUCCESS, {"k": "1"}, ("b",))


def test_try_that_skips_what_it_may_not_has_failed():
    ending = ending_of(DownstreamTasksSkipped(tasks=["a"]), {}, task=branching())
    assert (ending.outcome, ending.effects.skips) == (TryOutcome.FAILED, ())
    assert "task 'a' cannot skip a; it may skip b" in ending.error


def test_a_try_that_puts_itself_off_leaves_nothing_but_when_it_goes_on():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert ending_of(TaskRescheduled(at), {"k": "1"}) == Ending(TryOutcome.RESCHEDULED, reschedule_at=at)
