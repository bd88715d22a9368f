from __future__ import annotations

from flowcore.domain.workloads import TryOutcome
from flowcore.executors.losses import Losses
from flowcore.runner.endings import GIVEN_BACK


def test_task_is_not_to_blame_until_it_happens_again_and_again():
    losses = Losses()
    assert [losses.ending_after_loss(1) for _ in range(5)] == [GIVEN_BACK] * 5
    ending = losses.ending_after_loss(1)
    assert ending.outcome is TryOutcome.FAILED
    assert "died with the fork server 6 times" in ending.error


def test_other_end_in_between_is_forgiving():
    losses = Losses()
    for _ in range(5):
        losses.ending_after_loss(1)
    losses.forget(1)
    assert losses.ending_after_loss(1) is GIVEN_BACK


def test_only_so_many_are_remembered():
    losses = Losses(kept=1)
    for _ in range(5):
        losses.ending_after_loss(1)
    losses.ending_after_loss(2)
    assert losses.ending_after_loss(1) is GIVEN_BACK
