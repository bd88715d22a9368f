"""`flowcore plugins`: list what plug-ins bring, and what is wrong with them."""

from __future__ import annotations

import click

from flowcore.cli import options
from flowcore.cli.output import print_rows
from flowcore.plug_ins.catalogue import catalogue
from flowcore.plug_ins.kinds import PlugIn


@click.command()
@options.output
@click.pass_context
def plugins(ctx: click.Context, output: str) -> None:
    """List what plug-ins bring, and what is wrong with them.

    Everything is loaded for that. The exit status is 1 when something cannot be loaded or has no effect.
    """
    found = catalogue()
    rows = [
        _row(plug_in.kind, plug_in.name, plug_in.path, plug_in.origin, _problem(plug_in))
        for plug_in in found.all()
    ]
    rows += [_row("", one.name, "", one.origin, one.reason) for one in found.problems]
    print_rows(rows, output)
    ctx.exit(1 if any(row["problem"] for row in rows) else 0)


def _row(kind: str, name: str, path: str, origin: str, problem: str | None) -> dict[str, object]:
    return {"kind": kind, "name": name, "is": path, "from": origin, "problem": problem}


def _problem(plug_in: PlugIn) -> str | None:
    try:
        plug_in.load()
    # Whatever its module raises; SystemExit is what a script ends with.
    except (Exception, SystemExit) as error:
        return f"{type(error).__name__}: {error}"
    return None
