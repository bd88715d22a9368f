from __future__ import annotations

import pytest

from flowcore.errors import UsageError
from flowcore.sdk import macros
from flowcore.sdk.templates.environments import Templates
from tests.support.plug_ins import importable, write_distribution


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ macros.ds_add('2024-03-01', -1) }}", "2024-02-29"),
        ("{{ macros.ds_format('01/02/24', '%d/%m/%y', '%Y-%m-%d') }}", "2024-02-01"),
        ("{{ macros.datetime(2024, 1, 2) + macros.timedelta(days=1) }}", "2024-01-03 00:00:00"),
        ("{{ macros.json.dumps([1]) }}", "[1]"),
        ("{{ macros.yaml.safe_load('[1]') }}", "[1]"),
        ("{{ macros.dateutil.parser.isoparse('2024-01-02').day }}", "2"),
        ("{{ macros.random() < 1 }}", "True"),
        ("{{ macros.uuid.UUID(int=0) }}", "00000000-0000-0000-0000-000000000000"),
        ("{{ macros.time.gmtime(0).tm_year }}", "1970"),
    ],
)
def test_macros_are_airflows(text, expected):
    assert Templates().render_text(text, {"macros": macros}) == expected


def test_a_macro_says_which_library_it_needs():
    with pytest.raises(UsageError, match=r"needs the module 'babel\.dates'.*`pip install Babel`"):
        macros.ds_format_locale("2024-01-02", "%Y-%m-%d", "MMM")


def test_unknown_macro_is_refused_with_what_there_is():
    with pytest.raises(AttributeError, match=r"no macro 'ds_ad'; there are .*ds_add, .*yaml"):
        macros.ds_ad


def test_a_plug_in_brings_macros(tmp_path):
    source = "def in_euros(amount): return f'{amount} EUR'"
    write_distribution(tmp_path, "money", {"money": source}, {"flowcore.macros": {"cash": "money"}})
    with importable(tmp_path):
        assert Templates().render_text("{{ macros.cash.in_euros(3) }}", {"macros": macros}) == "3 EUR"
