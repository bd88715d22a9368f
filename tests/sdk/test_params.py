from __future__ import annotations

import pytest

from flowcore.domain.serialization import content_hash, dump_dag
from flowcore.errors import DagError, ParamError
from flowcore.sdk import DAG, Param
from flowcore.sdk.params import DagParam
from flowcore.sdk.references import Lookup


def test_document_holds_what_was_declared():
    param = Param(5, description="how many", type="integer", minimum=0)
    assert param.document() == {
        "default": 5,
        "description": "how many",
        "schema": {"type": "integer", "minimum": 0},
    }


def test_param_without_default_is_required():
    assert Param(type="string").is_required
    assert "default" not in Param(type="string").document()


def test_none_is_a_default():
    assert not Param(None).is_required


@pytest.mark.parametrize(
    "declared",
    [Param(-1, minimum=0), Param(None, type="string"), Param(1, type="intger"), object(), float("nan")],
)
def test_default_must_fit_its_schema(declared):
    with pytest.raises(DagError, match="param 'p' of Dag 'd'"):
        DAG("d", params={"p": declared})


def test_reference_resolves_to_the_value_in_the_run():
    assert DagParam("p").resolve(Lookup({}, {"p": 5})) == 5


def test_reference_to_nothing_is_an_error():
    with pytest.raises(ParamError, match="the run has no param 'p'; declare it"):
        DagParam("p").resolve(Lookup({}, {}))


def test_the_description_may_come_second_as_in_airflow():
    assert Param(3, "how many", minimum=1).document() == {
        "default": 3,
        "description": "how many",
        "schema": {"minimum": 1},
    }


def test_labels_of_values_may_have_any_key_that_json_has():
    size = Param(1, type=["integer", "null"], values_display={None: "nothing", 1: "one"})
    dag = DAG("d", params={"size": size})
    assert content_hash(dump_dag(dag.compile()))
    assert dag.params["size"].schema["values_display"] == {"null": "nothing", "1": "one"}
