from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from flowcore.cli.root import COMMANDS, root
from flowcore.errors import SettingsError
from tests.cli.conftest import Flowcore


@pytest.mark.parametrize("name", COMMANDS)
def test_every_listed_command_exists_and_helps(name: str, flowcore: Flowcore) -> None:
    result = flowcore(name, "--help")
    assert result.exit_code == 0
    assert COMMANDS[name][1] in result.stdout


def test_help_lists_all_commands(flowcore: Flowcore) -> None:
    listed = [line.split()[0] for line in flowcore("--help").stdout.partition("Commands:\n")[2].splitlines()]
    assert listed == list(COMMANDS)


def test_help_imports_no_command() -> None:
    program = (
        "import sys, flowcore.cli; print([m for m in sys.modules if m.startswith(('sqlalchemy', 'anyio'))])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


def test_an_unknown_command_is_unusable_input(flowcore: Flowcore) -> None:
    result = flowcore("dance")
    assert result.exit_code == 2
    assert "No such command 'dance'" in result.stderr


def test_the_module_is_the_command() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "flowcore.cli", "version"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.count(".") == 2


def test_a_failure_is_told_in_one_line(flowcore: Flowcore, folder: Path) -> None:
    (folder / "flowcore.toml").write_text("parallelism = 'many'")
    result = flowcore("config", "list")
    assert (result.exit_code, result.stdout) == (2, "")
    assert (
        result.stderr
        == f"error: {folder}/flowcore.toml sets parallelism to 'many'; it must be a whole number\n"
    )


def test_a_traceback_is_shown_when_asked_for(flowcore: Flowcore, folder: Path) -> None:
    (folder / "flowcore.toml").write_text("parallelism = 'many'")
    with pytest.raises(SettingsError):
        flowcore("--traceback", "config", "list")


def test_commands_are_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text()
    with click.Context(root) as ctx:
        for name in root.list_commands(ctx):
            command = root.get_command(ctx, name)
            names = command.commands if isinstance(command, click.Group) else [""]
            for each in names:
                assert f"`flowcore {name} {each}".strip() in page
