from __future__ import annotations

import pytest

from flowcore.testing import Sometimes


def test_path_that_was_never_taken_is_named():
    sometimes = Sometimes()
    sometimes.note(True, "retry")
    sometimes.note(False, "lost try")
    sometimes.check("retry")
    with pytest.raises(AssertionError, match=r"never reached: \['lost try'\]"):
        sometimes.check("retry", "lost try")
