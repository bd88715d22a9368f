"""Pauses between tries."""

from __future__ import annotations

from itertools import islice

from flowcore.database.pauses import pauses


def test_pauses_grow_up_to_the_longest_and_vary_by_half() -> None:
    for planned_s, pause_s in zip([1, 2, 4, 5, 5], islice(pauses(1, longest_s=5), 5), strict=True):
        assert planned_s / 2 <= pause_s <= planned_s * 1.5
