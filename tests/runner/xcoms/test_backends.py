from __future__ import annotations

import attrs
import pytest

from flowcore.domain.try_settings import TrySettings
from flowcore.errors import SettingsError
from flowcore.runner.xcoms.backends import DatabaseXComs, open_xcoms
from flowcore.runner.xcoms.objects import ObjectXComs


def test_backends_are_made_by_name_once_in_a_process():
    assert isinstance(open_xcoms(TrySettings()).backend, DatabaseXComs)
    settings = TrySettings(xcom_backend="objects", xcom_backend_kwargs='{"path": "/srv/xcoms"}')
    xcoms = open_xcoms(settings)
    assert isinstance(xcoms.backend, ObjectXComs)
    assert open_xcoms(attrs.evolve(settings)) is xcoms


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("object", "{}", r"'object' cannot be imported .*; name one of database, objects, or a class as"),
        ("os.Class", "{}", r"there is no XCom backend 'os\.Class'; name one of database, objects"),
        ("no.such.Class", "{}", r"'no\.such\.Class' cannot be imported \(No module named 'no'\); name one"),
        ("objects", "{}", "'objects' refuses its arguments: .*'path'; mend xcom_backend_kwargs"),
        ("objects", "[1]", "xcom_backend_kwargs is no JSON object"),
    ],
)
def test_what_cannot_be_made_is_the_operators_error(name, kwargs, message):
    with pytest.raises(SettingsError, match=message):
        open_xcoms(TrySettings(xcom_backend=name, xcom_backend_kwargs=kwargs))
