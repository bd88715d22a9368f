from __future__ import annotations

import sys

import pytest

from flowcore.errors import SettingsError
from flowcore.secrets.adapter import ThreadedBackend
from flowcore.secrets.backends import make_backend
from flowcore.secrets.files import FilesBackend

AIRFLOW_LIKE = "tests.secrets.test_adapter.AirflowLike"


def test_a_backend_is_made_by_its_name() -> None:
    assert isinstance(make_backend("files", '{"variables_file_path": "x.json"}'), FilesBackend)


async def test_a_class_written_for_airflow_is_made_by_its_path() -> None:
    backend = make_backend(AIRFLOW_LIKE, '{"prefix": "p-"}')
    assert isinstance(backend, ThreadedBackend)
    assert backend.name == "AirflowLike"
    assert await backend.get_variable("k") == "p-k"


def test_airflows_name_of_a_backend_means_ours() -> None:
    name = "airflow.secrets.local_filesystem.LocalFilesystemBackend"
    assert isinstance(make_backend(name, '{"variables_file_path": "x.json"}'), FilesBackend)


def test_a_class_that_keeps_nothing_is_no_backend() -> None:
    with pytest.raises(SettingsError, match=r"'json\.JSONDecoder' is no secrets backend"):
        make_backend("json.JSONDecoder", "{}")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("filez", "there is no secrets backend 'filez'|'filez' cannot be imported"),
        ("no.such.Class", "'no.such.Class' cannot be imported"),
        ("flowcore.secrets.files.Absent", "there is no secrets backend"),
        (".Absent", "there is no secrets backend|cannot be imported"),
    ],
)
def test_an_unknown_backend_is_an_error_that_names_the_known(name: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint) as caught:
        make_backend(name, "{}")
    assert "name one of" in str(caught.value)


@pytest.mark.parametrize("kwargs", ["planted", '["planted"]', '{"token": "planted'])
def test_malformed_arguments_are_not_quoted(kwargs: str) -> None:
    with pytest.raises(SettingsError, match="is no JSON object") as caught:
        make_backend("files", kwargs)
    assert "planted" not in str(caught.value)


def test_unknown_arguments_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"refuses its arguments.*'path'"):
        make_backend("files", '{"path": "planted"}')


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "flowcore.secrets.remote.vault", raising=False)
    monkeypatch.setitem(sys.modules, "httpx", None)
    monkeypatch.delitem(sys.modules, "flowcore.secrets.remote.http", raising=False)
    with pytest.raises(SettingsError, match="run `pip install 'flowcore\\[http\\]'`"):
        make_backend("vault", "{}")
