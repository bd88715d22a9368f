"""Writes outlines down as Dag files, in the ways of the SDK, and reads them again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flowcore.domain.dags import Dag
from tests.properties.outlines import Body, Group, Join, Outline, Over, Scope, Step, bodies_in

_HEAD = """\
from flowcore.sdk import DAG, BaseOperator, Label, TaskGroup, chain, chain_linear, cross_downstream
from flowcore.sdk import setup, task, task_group, teardown

class Work(BaseOperator):
    def execute(self, context): pass

@task
def work(a=None, b=None, x=None): pass

@setup
def make(): pass

@teardown
def drop(): pass

with DAG("dag") as dag:
"""


def source_of(outline: Outline) -> str:
    """The Dag file of an outline, without what is the same in all of them."""
    return "\n".join(_indented(_Author(outline).lines(outline.body)))


def read_dag(outline: Outline) -> Dag:
    """What the SDK makes of the Dag file."""
    found: dict[str, Any] = {}
    exec(_HEAD + source_of(outline), found)
    dag: Dag = found["dag"].compile()
    return dag


class _Author:
    def __init__(self, outline: Outline) -> None:
        self._rules = outline.rules
        parts = [part for body in bodies_in(outline.body) for part in body.parts]
        self._operators = {part.name for part in parts if isinstance(part, Step) and part.is_operator}

    def lines(self, body: Body) -> Iterator[str]:
        if not (body.parts or body.joins):
            yield "pass"
        for part in body.parts:
            match part:
                case Step():
                    yield f"{part.name} = {self._step(part)}"
                case Group():
                    yield from self._group(part)
                case Scope():
                    yield from _header(part)
                    yield from _indented(self.lines(part.body))
        yield from (line for join in body.joins for line in _join(join))

    def _step(self, step: Step) -> str:
        named = f"task_id={step.name!r}"
        if step.name in self._rules:
            named += f", trigger_rule={self._rules[step.name].value!r}"
        if step.is_operator:
            return f"Work({named})"
        given = ", ".join(f"{name}={self._output(of)}" for name, of in zip("ab", step.takes, strict=False))
        function = f"work.override({named})"
        if step.over is None:
            return f"{function}({given})"
        return f"{function}{f'.partial({given})' if given else ''}.expand(x={self._over(step.over)})"

    def _group(self, group: Group) -> Iterator[str]:
        arguments = f"{group.name!r}" if group.prefixes else f"{group.name!r}, prefix_group_id=False"
        if not group.is_function and group.over is None:
            yield f"with TaskGroup({arguments}) as {group.name}:"
            yield from _indented(self.lines(group.body))
            return
        yield f"@task_group(group_id={arguments})"
        yield f"def make_{group.name}(x=None):"
        yield from _indented(self.lines(group.body))
        call = "()" if group.over is None else f".expand(x={self._over(group.over)})"
        yield f"{group.name} = make_{group.name}{call}"

    def _over(self, over: Over) -> str:
        return self._output(over) if isinstance(over, str) else repr([*range(over or 0)])

    def _output(self, name: str) -> str:
        return f"{name}.output" if name in self._operators else name


def _header(scope: Scope) -> Iterator[str]:
    setups, teardowns = ", ".join(scope.setups), ", ".join(scope.teardowns)
    if scope.is_decorated:
        made = [f"make.override(task_id={name!r})()" for name in scope.setups]
        made += [f"drop.override(task_id={name!r})()" for name in scope.teardowns]
        yield f"with {' >> '.join(made)}:"
        return
    for name in (*scope.setups, *scope.teardowns):
        yield f"{name} = work.override(task_id={name!r})()"
    if teardowns:
        fails_run = ", on_failure_fail_dagrun=True" if scope.fails_run else ""
        yield f"with {teardowns}.as_teardown(setups=[{setups}]{fails_run}):"
    else:
        yield f"with {setups}.as_setup():"


def _join(join: Join) -> Iterator[str]:
    before, after = _listed(join.before), _listed(join.after)
    match join.how:
        case "label":
            yield f"{before} >> Label('{join.before[0]} to {join.after[0]}') >> {after}"
        case "<<":
            yield f"{after} << {before}"
        case ">>":
            yield f"{before} >> {after}"
        case _:
            yield f"{join.how}({before}, {after})"


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)
