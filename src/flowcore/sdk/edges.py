"""`Label`: words on the arrows between tasks, `check >> Label("empty") >> report`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flowcore.sdk.nodes import Node

if TYPE_CHECKING:
    from flowcore.sdk.operators import BaseOperator


class EdgeModifier(Node):
    """Stands between tasks, whose dependencies get its label: `a >> Label("if it rains") >> b`."""

    def __init__(self, label: str) -> None:
        self.label = label
        self._before: list[BaseOperator] = []
        self._after: list[BaseOperator] = []

    def __repr__(self) -> str:
        return f"Label({self.label!r})"

    # What comes after waits for what came before, so that whoever is joined first waits here.
    @property
    def roots(self) -> Sequence[BaseOperator]:
        return self._after

    @property
    def leaves(self) -> Sequence[BaseOperator]:
        return self._before

    def note_join(self, upstream: Node, downstream: Node) -> None:
        if upstream is self:
            self._after.extend(downstream.roots)
        else:
            self._before.extend(upstream.leaves)
        for before in self._before:
            for after in self._after:
                before.required_dag.edge_labels[before.task_id, after.task_id] = self.label


#: How authors write it.
Label = EdgeModifier
