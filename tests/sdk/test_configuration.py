from __future__ import annotations

import pytest

from flowcore.errors import SettingsError
from flowcore.sdk import conf
from flowcore.sdk.templates.environments import Templates


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    given = {"WHOLE": "7", "NUMBER": "0.5", "YES": "True", "LIST": "a, b", "JSON": '{"a": 1}', "EMPTY": ""}
    for key, text in given.items():
        monkeypatch.setenv(f"AIRFLOW__MY_REPORTS__{key}", text)


@pytest.mark.parametrize(
    ("method", "key", "value"),
    [
        ("get", "whole", "7"),
        ("get_mandatory_value", "whole", "7"),
        ("getint", "WHOLE", 7),
        ("getfloat", "number", 0.5),
        ("getboolean", "yes", True),
        ("getlist", "list", ["a", "b"]),
        ("getlist", "empty", []),
        ("getjson", "json", {"a": 1}),
    ],
)
def test_values_are_those_of_the_environment(method, key, value):
    assert getattr(conf, method)("my.reports", key) == value


@pytest.mark.parametrize("method", ["get", "getint", "getfloat", "getboolean", "getlist", "getjson"])
def test_fallback_is_returned_as_it_is(method):
    assert getattr(conf, method)("my_reports", "absent", fallback=None) is None


def test_option_that_is_nowhere_is_an_error_with_its_variable():
    with pytest.raises(
        SettingsError, match="set the environment variable AIRFLOW__MY_REPORTS__ABSENT, or give"
    ):
        conf.getint("my_reports", "absent")


@pytest.mark.parametrize(
    ("method", "told"), [("getint", "a whole number"), ("getboolean", "true or false"), ("getjson", "JSON")]
)
def test_value_of_another_kind_is_an_error(method, told):
    with pytest.raises(SettingsError, match=f"AIRFLOW__MY_REPORTS__LIST is 'a, b'; give {told}"):
        getattr(conf, method)("my_reports", "list")


def test_what_is_so_of_every_flowcore_is_known():
    assert conf.get("core", "default_timezone") == "utc"
    assert conf.getboolean("core", "unit_test_mode") is False


def test_options_of_a_section_are_listed():
    assert conf.getsection("my_reports")["whole"] == "7"
    assert conf.getsection("absent") is None
    assert (conf.has_option("my_reports", "yes"), conf.has_option("my_reports", "no")) == (True, False)


def test_templates_read_options():
    rendered = Templates().render_text("{{ conf.get('my_reports', 'whole') }}", {"conf": conf})
    assert rendered == "7"
