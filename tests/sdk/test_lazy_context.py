from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flowcore.sdk.lazy_context import LaterValue, LazyContext
from flowcore.sdk.templates.environments import Templates

MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
DAY = timedelta(days=1)


class Asked:
    def __init__(self, answer=MOMENT):
        self.answer, self.times = answer, 0

    def __call__(self):
        self.times += 1
        return self.answer


def test_a_value_is_looked_up_when_it_is_asked_for_and_once():
    asked = Asked()
    context = LazyContext(t=LaterValue(asked), other=1)
    assert (context["other"], "t" in context, len(context), asked.times) == (1, True, 2, 0)
    assert (context["t"], context.get("t"), asked.times) == (MOMENT, MOMENT, 1)


def test_absent_keys_are_absent():
    context = LazyContext()
    assert context.get("t", 3) == 3
    with pytest.raises(KeyError):
        context["t"]


def test_nothing_really_is_none():
    assert LazyContext(t=LaterValue(Asked(None)))["t"] is None


def test_a_copy_does_not_look_anything_up():
    asked = Asked()
    context = LazyContext(t=LaterValue(asked))
    copies = [dict(context), {**context}, context.copy(), (lambda **rest: rest)(**context)]
    assert asked.times == 0
    assert [copy["t"] for copy in copies] == [MOMENT] * 4


def test_templates_look_up_what_they_name():
    asked = Asked()
    context = LazyContext(t=LaterValue(asked), none=LaterValue(Asked(None)))
    assert Templates().render_text("{{ none is none }}", context) == "True"
    assert asked.times == 0
    assert Templates().render_text("{{ t | ds }}", context) == "2024-01-02"


def test_a_stand_in_behaves_like_its_time():
    later = LaterValue(Asked())
    assert later == MOMENT == later
    assert (later + DAY, MOMENT - later, later - DAY, DAY + later) == (
        MOMENT + DAY,
        timedelta(),
        MOMENT - DAY,
        MOMENT + DAY,
    )
    assert MOMENT - DAY < later < MOMENT + DAY
    assert (later.year, later.isoformat(), str(later), f"{later:%Y}") == (
        2024,
        MOMENT.isoformat(),
        str(MOMENT),
        "2024",
    )
    assert (hash(later), repr(later), bool(later)) == (hash(MOMENT), repr(MOMENT), True)
    assert later - LaterValue(Asked()) == timedelta()


def test_a_stand_in_for_nothing_is_false():
    assert not LaterValue(Asked(None))
    assert str(LaterValue(Asked(None))) == "None"
