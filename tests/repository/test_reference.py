"""The reference pages that are printed from the source say what the source says."""

from __future__ import annotations

import pytest

from scripts.reference import DERIVED, PAGES


@pytest.mark.parametrize("name", DERIVED)
def test_page_agrees_with_the_source(name):
    assert (PAGES / name).read_text() == DERIVED[name](), "run `make docs`"
