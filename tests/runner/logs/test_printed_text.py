from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flowcore.runner.logs.printed_text import PrintedBytes, PrintedText
from flowcore.secrets.masking import PROCESS


def lines_of(printed, pieces):
    return [line for piece in pieces for line in printed.feed(piece)] + list(printed.end())


@given(st.lists(st.text("ab\n", max_size=5)))
def test_lines_are_the_same_however_they_come(pieces):
    whole = "".join(pieces)
    expected = whole.removesuffix("\n").split("\n") if whole else []
    assert lines_of(PrintedText(), pieces) == expected


@given(st.text(), st.integers(1, 7))
def test_bytes_are_decoded_across_pieces(text, size):
    data = text.encode("utf-8", "surrogatepass")
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert lines_of(PrintedBytes(), pieces) == lines_of(PrintedBytes(), [data])


def test_bytes_that_are_no_text_are_shown():
    assert lines_of(PrintedBytes(), [b"\xff\xfe"]) == ["\\xff\\xfe"]


def test_end_of_line_of_windows_is_left_out():
    assert lines_of(PrintedText(), ["a\r", "\nb"]) == ["a", "b"]


def test_long_line_comes_in_parts_without_cutting_words():
    printed = PrintedText(length_max=10)
    assert lines_of(printed, ["one two three four\n"]) == ["one two ", "three four"]


@given(st.text("ab ", max_size=50))
def test_parts_of_a_long_line_are_the_line(text):
    parts = lines_of(PrintedText(length_max=7), [text])
    assert "".join(parts) == text
    assert all(len(part) <= 7 for part in parts)


def test_line_that_does_not_end_is_not_kept_for_ever():
    printed = PrintedText(length_max=10)
    assert [list(printed.feed("abcd")) for _ in range(7)] == [[]] * 5 + [["abcdabcdab"], []]


@given(places=st.lists(st.integers(0, 400), max_size=4), before=st.integers(0, 300))
def test_no_part_of_a_long_line_shows_half_a_secret(places, before):
    PROCESS.add(["planted-in-a-long-line"])
    line = "x" * before + "planted-in-a-long-line" + "y" * 200
    ends = [*sorted(places), len(line)]
    pieces = [line[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    assert "planted" not in "".join(lines_of(PrintedText(100), pieces))
