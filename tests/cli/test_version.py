from __future__ import annotations

import flowcore as package
from tests.cli.conftest import Flowcore


def test_the_version_is_printed(flowcore: Flowcore) -> None:
    assert flowcore("version").stdout == f"{package.__version__}\n"
