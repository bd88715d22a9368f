"""The modules that users import keep their promises: `__all__` is true and everything in it is explained."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

FACES = ["flowcore", "flowcore.abc", "flowcore.sdk", "flowcore.testing"]
#: What a Dag file must not have to load: a subprocess that parses hundreds of them pays each time.
TOO_HEAVY_FOR_DAG_FILES = {"sqlalchemy", "alembic", "trio", "httpx", "click", "typed_settings"}


@pytest.mark.parametrize("face", FACES)
def test_face_offers_exactly_what_it_promises(face):
    module = importlib.import_module(face)
    promised = list(module.__all__)
    assert len(promised) == len(set(promised))
    assert set(promised) <= set(dir(module))
    assert [name for name in promised if not hasattr(module, name)] == []


@pytest.mark.parametrize("face", FACES)
def test_everything_on_a_face_is_explained(face):
    module = importlib.import_module(face)
    public = {name: getattr(module, name) for name in module.__all__}
    callables = {name: value for name, value in public.items() if callable(value)}
    assert [name for name, value in callables.items() if not inspect.getdoc(value)] == []


@pytest.mark.slow
@pytest.mark.parametrize("face", ["flowcore", "flowcore.sdk"])
def test_face_loads_nothing_heavy(face):
    names = sorted(TOO_HEAVY_FOR_DAG_FILES)
    program = f"import sys, {face}; print(*[name for name in {names} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == []
