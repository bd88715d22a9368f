from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from flowcore.errors import SettingsError
from flowcore.named_classes import Source, load_class, make_from
from tests.support.plug_ins import importable, write_distribution

GROUP = "flowcore.things"
KNOWN = {
    "delta": Source("datetime:timedelta"),
    "extra": Source("no_such_module:Class", "extra"),
}


def test_a_class_is_found_by_its_word_and_by_its_path():
    assert (
        load_class("thing", "delta", KNOWN, group=GROUP)
        is timedelta
        is load_class("thing", "datetime.timedelta", KNOWN, group=GROUP)
    )


def test_an_installed_package_names_one(tmp_path):
    write_distribution(tmp_path, "things", {}, {GROUP: {"later": "datetime:datetime"}})
    with importable(tmp_path):
        assert load_class("thing", "later", KNOWN, group=GROUP) is datetime


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("extra", r"thing 'extra' cannot be imported .*; run `pip install 'flowcore\[extra\]'`"),
        ("datetime.delta", "there is no thing 'datetime.delta'; name one of delta, extra, or a class as"),
        ("detla", "'detla' cannot be imported .*; name one of delta, extra"),
    ],
)
def test_a_class_that_is_not_there_is_the_operators_error(name, message):
    with pytest.raises(SettingsError, match=message):
        load_class("thing", name, KNOWN, group=GROUP)


def test_a_class_is_called_with_the_arguments_in_the_setting():
    assert make_from(timedelta, "thing", "delta", option="kwargs", kwargs='{"days": 2}') == timedelta(2)
    assert make_from(timedelta, "thing", "delta", option="kwargs", kwargs="") == timedelta()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ('{"day": 2}', "thing 'delta' refuses its arguments: 'day' is an invalid keyword .*; mend kwargs"),
        ("[]", "kwargs is no JSON object"),
        ("secret", "kwargs is no JSON object"),
    ],
)
def test_arguments_that_cannot_be_used_are_the_operators_error(kwargs, message):
    with pytest.raises(SettingsError, match=message) as caught:
        make_from(timedelta, "thing", "delta", option="kwargs", kwargs=kwargs)
    assert "secret" not in str(caught.value)
