from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flowcore.domain.verdicts import UpstreamCounts

numbers = st.integers(0, 10_000)


@given(
    success=numbers, failed=numbers, skipped=numbers, upstream_failed=numbers, removed=numbers, more=numbers
)
def test_upstreams_are_done_or_remain(more, **ended):
    counts = UpstreamCounts(total=sum(ended.values()) + more, **ended)
    assert (counts.done, counts.remaining) == (sum(ended.values()), more)


def test_failed_and_upstream_failed_are_bad():
    assert UpstreamCounts(total=9, failed=2, upstream_failed=3, skipped=4).bad == 5
