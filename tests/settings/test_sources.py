from __future__ import annotations

from pathlib import Path

import pytest

from flowcore.errors import SettingsError
from flowcore.settings import Backend, LogLevel, Settings, explain_settings, load_settings, masked


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def source_of(name: str, overrides: dict[str, object] | None = None) -> str:
    return next(given.source for given in explain_settings(overrides) if given.name == name)


def test_defaults_lie_in_the_current_folder(folder: Path) -> None:
    settings = load_settings()
    assert settings == Settings()
    assert settings.database_url == f"sqlite:///{folder}/flowcore.db"
    assert settings.dags_folder == folder / "dags"
    assert source_of("database_url") == "default"


def test_the_file_overrides_defaults(folder: Path) -> None:
    (folder / "flowcore.toml").write_text('parallelism = 4\nbackend = "trio"\ngrace_s = 2')
    settings = load_settings()
    assert (settings.parallelism, settings.backend, settings.grace_s) == (4, Backend.TRIO, 2.0)
    assert source_of("parallelism") == str(folder / "flowcore.toml")


def test_paths_in_a_file_are_relative_to_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "etc").mkdir()
    (folder / "etc" / "prod.toml").write_text('dags_folder = "dags"')
    monkeypatch.setenv("FLOWCORE_CONFIG", "etc/prod.toml")
    assert load_settings().dags_folder == folder / "etc" / "dags"


def test_variables_override_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "flowcore.toml").write_text("parallelism = 4")
    monkeypatch.setenv("FLOWCORE_PARALLELISM", "8")
    assert load_settings().parallelism == 8
    assert source_of("parallelism") == "environment variable FLOWCORE_PARALLELISM"


def test_the_command_line_overrides_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCORE_GRACE_S", "8")
    assert load_settings({"grace_s": 1.5}).grace_s == 1.5
    assert source_of("grace_s", {"grace_s": 1.5}) == "command line"


def test_a_relative_path_is_relative_to_the_current_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings({"dags_folder": "mine"}).dags_folder == folder / "mine"
    monkeypatch.chdir("/")
    assert load_settings({"dags_folder": "mine"}).dags_folder == Path("/mine")


def test_an_option_missing_on_the_command_line_overrides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCORE_GRACE_S", "8")
    assert load_settings({"grace_s": None}).grace_s == 8


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCORE_PARALLELISM", "")
    assert load_settings().parallelism == 32


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("False", False), ("0", False)])
def test_variables_spell_truth_as_usual(text: str, value: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCORE_DAGS_ARE_PAUSED_AT_CREATION", text)
    assert load_settings().dags_are_paused_at_creation is value


def test_log_levels_are_read_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCORE_LOG_LEVEL", "warning")
    assert load_settings().log_level is LogLevel.WARNING


@pytest.mark.parametrize(
    ("variable", "text", "complaint"),
    [
        (
            "FLOWCORE_PARALLELISM",
            "many",
            "FLOWCORE_PARALLELISM sets parallelism to 'many'; it must be a whole number",
        ),
        (
            "FLOWCORE_PARALLELISM",
            "0",
            "FLOWCORE_PARALLELISM sets parallelism to '0'; 'parallelism' must be >= 1",
        ),
        ("FLOWCORE_GRACE_S", "nan", "FLOWCORE_GRACE_S sets grace_s to 'nan'; 'grace_s' must be >= 0"),
        ("FLOWCORE_GRACE_S", "inf", "'grace_s' must be < inf"),
        ("FLOWCORE_BACKEND", "curio", "sets backend to 'curio'; it must be one of asyncio, trio"),
        (
            "FLOWCORE_DATABASE_ULR",
            "x",
            "FLOWCORE_DATABASE_ULR is unknown; did you mean FLOWCORE_DATABASE_URL?",
        ),
    ],
)
def test_a_bad_variable_is_named(
    variable: str, text: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "name", ["FLOWCORE_SERVICE_HOST", "FLOWCORE_VAR_PARALLELISM", "FLOWCORE_CONN_LOG_LEVEL"]
)
def test_variables_that_resemble_no_option_are_nobodys_business(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "10.0.0.1")
    assert load_settings() == Settings()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("parallelisms = 4", "has an unknown option 'parallelisms'; did you mean 'parallelism'?"),
        ("colour = 4", "has an unknown option 'colour'; see `flowcore config list`"),
        ("parallelism = 4.5", "sets parallelism to '4.5'; it must be a whole number"),
        ("parallelism = true", "sets parallelism to 'True'; it must be a whole number"),
        ("database_url = 3", "sets database_url to '3'; it must be a text"),
        ("backend = [1]", "it must be one of asyncio, trio"),
        ("dags_folder = {}", "it must be a path"),
        ("parallelism = ", "flowcore.toml cannot be read: Invalid value"),
    ],
)
def test_a_bad_file_is_named(content: str, complaint: str, folder: Path) -> None:
    (folder / "flowcore.toml").write_text(content)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith(str(folder / "flowcore.toml"))
    assert complaint in str(caught.value)


def test_a_file_that_is_no_text_is_named(folder: Path) -> None:
    (folder / "flowcore.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"flowcore\.toml cannot be read"):
        load_settings()


def test_a_named_file_must_exist(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCORE_CONFIG", "absent.toml")
    with pytest.raises(SettingsError, match=r"absent\.toml cannot be read: .* FLOWCORE_CONFIG$"):
        load_settings()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:secret@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:se@cr/et@host/db", "postgresql://me:***@host/db"),
        ("postgresql://host/db?user=me&password=secret", "postgresql://host/db?user=me&password=***"),
        ("postgresql://me@host:5432/db", "postgresql://me@host:5432/db"),
        ("sqlite:////data/a@b.db", "sqlite:////data/a@b.db"),
    ],
)
def test_passwords_are_masked(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_a_complaint_about_a_value_does_not_give_the_password_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCORE_BACKEND", "postgresql://me:secret@host/db")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "secret" not in str(caught.value)


def test_what_is_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWCORE_FERNET_KEY", "planted-key")
    given = {item.name: item for item in explain_settings()}
    assert (given["fernet_key"].value, given["fernet_key"].shown) == ("planted-key", "***")
    assert given["secrets_backend_kwargs"].shown == "{}"
