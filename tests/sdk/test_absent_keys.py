from __future__ import annotations

import pytest

from flowcore.sdk.absent_keys import absent_key
from flowcore.sdk.lazy_context import LazyContext


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("ds", "the run has no logical date"),
        ("exception", "only callbacks have it"),
        ("dss", "there are run_id, ti"),
    ],
)
def test_key_that_is_absent_says_why(key, why):
    context = LazyContext(ti=1, run_id=2)
    with pytest.raises(KeyError) as caught:
        context[key]
    assert str(caught.value).startswith(f"the context of the try has no {key!r}: {why}")
    assert (context.get(key), key in context) == (None, False)


def test_message_is_shown_as_it_is():
    assert str(absent_key("x", known=())) == "the context of the try has no 'x': there are "
