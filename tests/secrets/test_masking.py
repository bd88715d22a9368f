from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from flowcore.secrets.masking import PROCESS, Masker, MaskingFilter

SECRET = "pla nted/\"sécret'+=?"


def masker(*secrets: str) -> Masker:
    made = Masker()
    made.add(secrets)
    return made


@pytest.mark.parametrize(
    "encode",
    [
        str,
        quote,
        quote_plus,
        lambda secret: quote(secret, safe=""),
        lambda secret: json.dumps({"password": secret}),
        lambda secret: json.dumps({"password": secret}, ensure_ascii=False),
        lambda secret: repr({"password": secret}),
    ],
)
def test_a_secret_is_hidden_however_it_is_written(encode: Callable[[str], str]) -> None:
    shown = masker(SECRET).mask(f"before {encode(SECRET)} after")
    assert "***" in shown
    assert "nted" not in shown
    assert (shown[:7], shown[-6:]) == ("before ", " after")


@given(
    st.binary(max_size=5),
    st.binary(max_size=5),
    st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]),
)
def test_a_secret_is_hidden_in_base64_whatever_stands_around_it(
    before: bytes, after: bytes, encode: Callable[[bytes], bytes]
) -> None:
    encoded = encode(before + b"planted-secret" + after).decode()
    assert "***" in masker("planted-secret").mask(encoded)


@given(st.text(min_size=4), st.text(), st.text())
def test_no_text_shows_a_secret(secret: str, before: str, after: str) -> None:
    assume(not set(secret) <= set("*"))
    assert secret not in masker(secret).mask(before + secret + after)


def test_a_secret_inside_of_another_leaves_no_rest() -> None:
    assert masker("planted", "planted-longer").mask("it is planted-longer") == "it is ***"


def test_short_secrets_are_left_alone() -> None:
    assert masker("abc").mask("abcdef") == "abcdef"


def test_each_line_of_a_key_is_hidden() -> None:
    assert masker("-----BEGIN KEY\nplantedplanted\n").mask("read plantedplanted") == "read ***"


@pytest.mark.parametrize("secret", ["hunter-2-hunter", "correcthorsebattery", "s3cr3tpw", "1234-5678"])
def test_secrets_that_are_no_coincidence_are_noticed(secret: str) -> None:
    noticing = masker(secret)
    assert noticing.betrays(json.dumps({"url": f"http://me:{secret}@host"}))
    assert noticing.betrays(base64.b64encode(f"user:{secret}:more".encode()).decode())
    assert not noticing.betrays("nothing of the kind")


@pytest.mark.parametrize("secret", ["postgres", "password", "20240101", "s3cr3t"])
def test_secrets_that_may_be_a_coincidence_are_only_masked(secret: str) -> None:
    assert not masker(secret).betrays(f"it is {secret}")
    assert masker(secret).mask(secret) == "***"


@pytest.fixture
def logged() -> io.StringIO:
    """What reaches a handler with the filter, from the logger `masked`."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(MaskingFilter())
    logger = logging.getLogger("masked")
    logger.handlers, logger.propagate = [handler], False
    PROCESS.add(["planted-in-log"])
    return stream


def test_arguments_of_log_messages_are_masked(logged: io.StringIO) -> None:
    logging.getLogger("masked").error("cannot use %s at %d", "planted-in-log", 3)
    assert logged.getvalue() == "cannot use *** at 3\n"


def test_tracebacks_in_logs_are_masked(logged: io.StringIO) -> None:
    try:
        raise ValueError("planted-in-log")
    except ValueError:
        logging.getLogger("masked").exception("failed", stack_info=True)
    assert "ValueError: ***" in logged.getvalue()
    assert "planted-in-log\n" not in logged.getvalue()
