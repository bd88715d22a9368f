from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowcore.errors import MessageTooLarge, ProtocolError
from flowcore.sdk.comms.framing import PAYLOAD_MAX, Unframing, frame

LIMIT = 50


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = [*sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


@given(payloads=st.lists(st.binary(max_size=LIMIT)), places=st.lists(st.integers(min_value=0)))
def test_payloads_survive_however_the_stream_is_cut(payloads: list[bytes], places: list[int]) -> None:
    unframing = Unframing(limit=LIMIT)
    chunks = cut(b"".join(map(frame, payloads)), places)
    assert [payload for chunk in chunks for payload in unframing.feed(chunk)] == payloads


@given(chunks=st.lists(st.binary()))
def test_whatever_arrives_is_payloads_or_an_error_and_no_more_than_a_frame_is_kept(
    chunks: list[bytes],
) -> None:
    unframing = Unframing(limit=LIMIT)
    with suppress(ProtocolError):
        for chunk in chunks:
            assert all(len(payload) <= LIMIT for payload in unframing.feed(chunk))
            assert len(unframing._buffer) < 4 + LIMIT


def test_a_length_beyond_the_limit_is_noticed_before_it_arrives() -> None:
    with pytest.raises(ProtocolError, match="announced a frame of 4294967295 bytes; the limit is 16777216"):
        list(Unframing().feed(b"\xff\xff\xff\xff"))


def test_what_is_too_large_is_refused_with_the_remedy() -> None:
    assert len(frame(bytes(PAYLOAD_MAX))) == 4 + PAYLOAD_MAX
    with pytest.raises(MessageTooLarge, match="keep large values outside with an XCom backend"):
        frame(bytes(PAYLOAD_MAX + 1))
