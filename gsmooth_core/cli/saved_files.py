"""What a saved file holds. Importing this file imports no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gsmooth_core import AttackReport, CorruptionTable, Report, Verification


def kind_of(path: Path) -> type[Report | AttackReport | Verification | CorruptionTable] | None:
    """What a file holds, by its format; ``None`` where that is none of ours, or there is no file."""
    from gsmooth_core import AttackReport, CorruptionTable, Report, Verification
    from gsmooth_core.attacks import report as attack_report
    from gsmooth_core.attacks import verification
    from gsmooth_core.benchmark import table as corruption_table
    from gsmooth_core.results import report

    kinds: dict[int | str | None, type[Report | AttackReport | Verification | CorruptionTable]] = {
        report.FORMAT: Report,
        attack_report.FORMAT: AttackReport,
        verification.FORMAT: Verification,
        corruption_table.FORMAT: CorruptionTable,
    }
    return kinds.get(_format_of(path)) if path.is_file() else None


def _format_of(path: Path) -> int | str | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    format_ = content.get("format") if isinstance(content, dict) else None
    return format_ if isinstance(format_, int | str) else None
