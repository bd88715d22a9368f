"""Whatever mix of callers asks, everybody gets their own answer or a clear error, and nobody hangs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.comms_colours import COLOURS, Step, converse, steps
from tests.properties.comms_model import Play, Script, check, scripts


@pytest.mark.slow
@given(script=scripts(), order=st.random_module())
def test_everybody_gets_their_own_answer_or_a_clear_error(script: Script, order: object) -> None:
    play = Play(script)
    play.run()
    check(play)


@pytest.mark.slow
@given(asked=st.lists(steps()))
def test_every_colour_says_and_hears_the_same(asked: list[Step]) -> None:
    conversations = [converse(colour, asked) for colour in COLOURS]
    assert conversations == [conversations[0]] * len(COLOURS)


def test_a_colour_that_asks_twice_would_be_noticed() -> None:
    def twice(decoder: object, asked: list[Step]) -> list[object]:
        return COLOURS[0](decoder, [*asked, *asked])

    asked: list[Step] = [("Variable", "get", ("a",))]
    assert converse(twice, asked) != converse(COLOURS[0], asked)
