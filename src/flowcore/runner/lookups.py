"""Find what the references of a task stand for in a try: XComs, params, and the element it is mapped over."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import attrs

from flowcore.domain.workloads import Workload
from flowcore.errors import UsageError
from flowcore.runner.xcoms.mapped import MappedXComs
from flowcore.runner.xcoms.try_xcoms import TryXComs
from flowcore.sdk.comms.messages import PullXComs
from flowcore.sdk.comms.questions import Comms, Question, ask, call
from flowcore.sdk.mapping.expansions import Expansion, MappedArgument
from flowcore.sdk.operators import BaseOperator
from flowcore.sdk.references import Lookup, Reference, XComKey
from flowcore.sdk.xcom_args import XComArg


def unmapped(
    found: BaseOperator, workload: Workload, *, comms: Comms, xcoms: TryXComs
) -> Question[tuple[BaseOperator, Lookup]]:
    """The task as it is for one map index, and what its references stand for.

    Raises:
        DagError: There is no element for the index, or it is none that the task can be given.
        UsageError: The task is mapped, and no index is given.
    """
    if found.mapping is not None and workload.map_index < 0:
        raise UsageError(f"task {found.task_id!r} is mapped; say which instance is meant: --map-index 0")
    finding = _Finding(found, workload, comms, xcoms)
    if found.expansion is None:
        lookup = yield from finding.look_up(found.references)
        return found, lookup
    lookup = yield from finding.look_up((*found.references, *found.expansion.references))
    element = yield from finding.element(found.expansion, lookup)
    task = found.unmapped(element)
    yield from finding.read_ahead(task.references)
    return task, lookup


@attrs.define(eq=False)
class _Finding:
    task: BaseOperator
    workload: Workload
    comms: Comms
    xcoms: TryXComs
    mapped: dict[XComKey, MappedXComs] = attrs.field(factory=dict)

    def look_up(self, references: Iterable[Reference]) -> Question[Lookup]:
        used = tuple(references)
        outputs = {output.xcom_key: output for reference in used for output in reference.outputs}
        exact = {key: self._address(output) for key, output in outputs.items() if not self._is_other(output)}
        found: dict[XComKey, Any] = dict((yield from self._pulled(exact)))
        for key, output in outputs.items():
            if self._is_other(output):
                found[key] = self.mapped[key] = MappedXComs(
                    self.workload.run.dag_run_id,
                    output.operator.task_id,
                    output.key,
                    comms=self.comms,
                    xcoms=self.xcoms,
                )
        lookup = Lookup(found, self.workload.run.params)
        of_group = next((one.expansion for one in used if isinstance(one, MappedArgument)), None)
        if of_group is not None:
            lookup = attrs.evolve(lookup, element=(yield from self.element(of_group, lookup)))
        if self.task.expansion is None:
            yield from self.read_ahead(one for one in used if not isinstance(one, MappedArgument))
        return lookup

    def element(self, expansion: Expansion, lookup: Lookup) -> Question[dict[str, Any]]:
        find = partial(expansion.element, self.workload.map_index, lookup)
        if not expansion.only_reads:
            return (yield from call(find))
        try:
            return find()
        except IndexError:
            raise UsageError(
                f"task {self.task.task_id!r} has no element {self.workload.map_index} that it is mapped over;"
                " use a smaller map index"
            ) from None

    def read_ahead(self, references: Iterable[Reference]) -> Question[None]:
        """Read what a coroutine is given, for it must not wait while it uses it."""
        if not self.task.is_async:
            return
        for key in {output.xcom_key: None for reference in references for output in reference.outputs}:
            if key in self.mapped:
                yield from self.mapped[key].load()

    def _pulled(self, wanted: dict[XComKey, XComKey]) -> Question[dict[XComKey, Any]]:
        if not wanted:
            return {}
        request = PullXComs(self.workload.run.dag_run_id, tuple(wanted.values()))
        texts = (yield from ask(request)).texts
        pushed = {key: text for key, text in zip(wanted, texts, strict=True) if text is not None}
        values = yield from self.xcoms.values(list(pushed.values()))
        return dict(zip(pushed, values, strict=True))

    def _is_other(self, output: XComArg) -> bool:
        """Whether all instances of a task are meant, and not one."""
        mapping = output.operator.mapping
        return mapping is not None and mapping is not self.task.mapping

    def _address(self, output: XComArg) -> XComKey:
        index = -1 if output.operator.mapping is None else self.workload.map_index
        return output.operator.task_id, index, output.key
