"""What every page says at its end: what its numbers rest on, and how the run was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eutonia.report import words
from eutonia.report.drawing import svg


def of_run(run: Mapping[str, Any], command: str) -> dict[str, Any]:
    """Return what every page says at its end: what the numbers rest on, and how the run was made."""
    return {
        "run": run,
        "palette": svg.PALETTE,
        "beyond_label": words.beyond_label(run),
        "overridden": words.overridden(run),
        "disclaimer": words.DISCLAIMER,
        "statuses": _statuses(run),
        "assumed": [_assumed(row) for row in run.get("assumed") or ()],
        "sources": [dict(source) for source in run.get("sources") or ()],
        "how": _how(run),
        "command": command,
        "everything": [],
    }


def _statuses(run: Mapping[str, Any]) -> list[tuple[str, int, float, int]]:
    """Return name, number, share in percent and colour of each status: one colour a status on every page."""
    counts = words.status_counts(run)
    total = sum(amount for _, amount in counts) or 1
    return [(name, amount, 100 * amount / total, words.status_rank(name)) for name, amount in counts]


def _assumed(row: Mapping[str, Any]) -> dict[str, str]:
    value = row.get("value")
    values = value if isinstance(value, (list, tuple)) else [value]
    shown = ", ".join(f"{one:.4g}" if isinstance(one, (int, float)) else str(one) for one in values)
    return {
        "set": str(row.get("set", "")),
        "name": words.label(str(row.get("name", ""))),
        "value": words.with_unit(shown, str(row.get("unit") or "")),
        "note": str(row.get("note", "")),
    }


def _how(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return how the run was made, as pairs of a name and a value."""
    names = {
        "version": "Eutonia",
        "seed": "Seed",
        "study_digest": "Study digest",
        "parameter_sets": "Parameter sets",
        "precision": "Precision",
        "instruction_set": "Instruction set",
        "platform": "Platform",
        "wall_time_s": "Wall time",
    }
    out = []
    for key, name in names.items():
        if (value := run.get(key)) is None:
            continue
        if key == "wall_time_s":
            value = f"{float(value):.1f} s"
        elif isinstance(value, (list, tuple)):
            value = ", ".join(str(one) for one in value)
        out.append((name, str(value)))
    return out
