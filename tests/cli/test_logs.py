from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import logging
from flowcore.cli.logs import configure_logging
from flowcore.secrets.masking import PROCESS
from flowcore.settings import LogLevel

configure_logging(LogLevel.INFO)
PROCESS.add(["planted-password"])
logging.getLogger("any.library").warning("cannot log in with %s", "planted-password")
logging.getLogger("any.library").debug("not shown")
"""


def test_commands_log_to_standard_error_without_secrets() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert done.stderr.endswith(" WARNING any.library: cannot log in with ***\n")
