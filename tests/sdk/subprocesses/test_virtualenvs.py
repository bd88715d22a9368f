from __future__ import annotations

import logging
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from flowcore.sdk.exceptions import AirflowException
from flowcore.sdk.subprocesses.command_steps import StepsCall
from flowcore.sdk.subprocesses.commands import Command, Finished
from flowcore.sdk.subprocesses.virtualenvs import Virtualenv, kept, made, python_of

PLAIN = Virtualenv()
GOOD, BAD = Finished(0, ""), Finished(1, "no space left")


def argvs(virtualenv: Virtualenv, uv: str | None = None, *, has_pip: bool = True) -> list[list[str]]:
    return [list(command.argv) for command in virtualenv.commands(Path("/v"), uv=uv, has_pip=has_pip)]


def test_venv_and_pip_make_it_where_there_is_no_uv():
    assert argvs(PLAIN) == [
        [sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", "/v"],
    ]
    with_pip = Virtualenv(
        requirements=("a==1", "b"), python_version="3.12", system_site_packages=False, options=("--no-deps",)
    )
    pip = ["/v/bin/python", "-m", "pip", "--disable-pip-version-check", "install"]
    assert argvs(with_pip) == [
        ["python3.12", "-m", "venv", "/v"],
        [*pip, "--no-deps", "a==1", "b"],
    ]


@pytest.mark.parametrize(
    ("has_pip", "expected"),
    [
        (True, [["--without-pip", "/v"], [sys.executable, "-m", "pip", "--python", "/v/bin/python"]]),
        (False, [["--system-site-packages", "/v"], ["/v/bin/python", "-m", "pip"]]),
    ],
)
def test_our_own_pip_installs_if_there_is_one(has_pip, expected):
    make, install = argvs(Virtualenv(requirements=("a",)), has_pip=has_pip)
    assert [make[-2:], install[: install.index("--disable-pip-version-check")]] == expected


def test_uv_makes_it_where_it_is_installed():
    assert argvs(Virtualenv(requirements=("a",), python_version="3.12", options=("-q",)), uv="/uv") == [
        ["/uv", "venv", "--allow-existing", "--python", "3.12", "--system-site-packages", "/v"],
        ["/uv", "pip", "install", "--python", "/v/bin/python", "-q", "a"],
    ]


@pytest.mark.parametrize(
    ("index_urls", "expected"),
    [
        (None, {}),
        ((), {"PIP_NO_INDEX": "1", "UV_NO_INDEX": "1"}),
        (
            ("https://a", "https://b", "https://c"),
            {
                "PIP_INDEX_URL": "https://a",
                "UV_DEFAULT_INDEX": "https://a",
                "PIP_EXTRA_INDEX_URL": "https://b https://c",
                "UV_INDEX": "https://b https://c",
            },
        ),
    ],
)
def test_index_urls_say_where_packages_come_from(monkeypatch, index_urls, expected):
    names = [f"{tool}_{name}" for tool in ("PIP", "UV") for name in ("NO_INDEX", "INDEX_URL", "INDEX")]
    for name in [*names, "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL"]:
        monkeypatch.delenv(name, raising=False)
    [command] = Virtualenv(index_urls=index_urls).commands(Path("/v"), uv=None, has_pip=True)
    assert {k: v for k, v in command.env.items() if "INDEX" in k and k.startswith(("PIP", "UV"))} == expected


def test_what_is_kept_is_called_by_what_is_in_it():
    others = [
        Virtualenv(requirements=("a",)),
        Virtualenv(requirements=("b",)),
        Virtualenv(system_site_packages=False),
        Virtualenv(index_urls=()),
        Virtualenv(options=("-q",)),
        Virtualenv(python_version="3.12"),
    ]
    assert len({one.name for one in (PLAIN, *others)}) == 7
    assert Virtualenv().name == PLAIN.name


def end_of(steps, sent):
    with pytest.raises(StopIteration) as over:
        steps.send(sent)
    return over.value.value


def test_one_is_made_while_others_who_want_the_same_wait(tmp_path):
    first, second = kept(PLAIN, tmp_path), kept(PLAIN, tmp_path)
    assert isinstance(next(first), Command)
    assert isinstance(next(second), float)
    assert isinstance(second.send(None), float)
    (tmp_path / PLAIN.name).mkdir()  # as the command would
    python = end_of(first, GOOD)
    assert python == str(python_of(tmp_path / PLAIN.name))
    assert end_of(second, None) == python


def test_one_that_was_not_finished_is_made_anew(tmp_path):
    first = kept(PLAIN, tmp_path)
    next(first)
    (tmp_path / PLAIN.name / "half").mkdir(parents=True)
    with pytest.raises(AirflowException, match=r"exit status 1 \(no space left\)"):
        first.send(BAD)
    second = kept(PLAIN, tmp_path)
    assert isinstance(next(second), Command)
    assert not (tmp_path / PLAIN.name).exists()
    second.close()


def test_a_python_that_is_not_there_is_named(tmp_path):
    with pytest.raises(AirflowException, match="install it, or leave python_version out"):
        StepsCall(logging.info).run(made(Virtualenv(python_version="9.99"), tmp_path / "v"))


@pytest.mark.slow
def test_requirements_can_be_imported(tmp_path):
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("tiny.py", "WORD = 'installed'")
        file.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        file.writestr(
            "tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr("tiny-1.0.dist-info/RECORD", "")
    wanted = Virtualenv(
        requirements=("tiny",),
        options=("--find-links", str(tmp_path)),
        index_urls=(),
        system_site_packages=False,
    )
    lines: list[str] = []
    python = StepsCall(lines.append).run(made(wanted, tmp_path / "v"))
    said = subprocess.run([python, "-c", "import tiny; print(tiny.WORD)"], capture_output=True, check=True)
    assert said.stdout == b"installed\n"
    assert any("tiny" in line for line in lines)
