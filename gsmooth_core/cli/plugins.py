"""``gsmooth plugins``. Importing this file imports no torch."""

from __future__ import annotations

from rich.table import Table

from gsmooth_core.cli.exit_codes import EXIT_BAD_INPUT
from gsmooth_core.cli.failures import explained
from gsmooth_core.common.console import new_console
from gsmooth_core.plugins.installed import list_corruptions


def plugins() -> int:
    """List the installed corruptions: unit, certifier and guarantee, and broken plugins with their reason."""
    from gsmooth_core.plugins.registry import corruptions_of

    table = Table(title="installed corruptions")
    for heading in ("name", "version", "parameter (unit)", "certifier", "guarantee"):
        table.add_column(heading, no_wrap=heading == "name")
    broken = []
    for info in list_corruptions():
        try:
            for corruption in corruptions_of(info.name):
                space = corruption.transformation.space
                units = ", ".join(f"{name} ({unit})" for name, unit in zip(space.names, space.units, strict=True))
                guarantee = corruption.certifier.guarantee(corruption.outline()).value
                table.add_row(corruption.name, info.version, units, corruption.certifier.name, guarantee)
        except Exception as error:  # also of a recipe whose own code fails
            broken.append(explained(error)[0])
            table.add_row(info.name, info.version, "[red]broken, see below[/red]", "", "")
    console = new_console(soft_wrap=True)
    console.print(table, soft_wrap=False)
    for reason in broken:
        console.print(reason, markup=False)
    return EXIT_BAD_INPUT if broken else 0
