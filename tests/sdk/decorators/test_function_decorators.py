from __future__ import annotations

import pytest

from flowcore.errors import DagError
from flowcore.sdk import task


def test_positional_argument_is_refused():
    with pytest.raises(DagError, match="@task was given 'name'; use @task, or name the argument"):
        task("name")
