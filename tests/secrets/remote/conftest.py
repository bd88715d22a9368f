"""Services that the tests of the remote backends share."""

from __future__ import annotations

import pytest

from tests.support.secret_servers_aws import running_aws


@pytest.fixture(scope="session")
def aws():
    """An AWS that checks signatures, with an administrator's keys."""
    with running_aws() as administrator:
        yield administrator
