"""Counts, and what happened between two of them."""

from __future__ import annotations

from flowcore.database.statistics import Counters


def test_the_difference_of_two_moments_is_what_happened_in_between() -> None:
    counters = Counters(transactions=2)
    before = counters.snapshot()
    counters.transactions += 3
    counters.waits += 1
    done = counters.snapshot().since(before)
    assert (done.transactions, done.waits, done.statements) == (3, 1, 0)
