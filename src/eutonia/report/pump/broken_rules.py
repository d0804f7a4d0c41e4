"""Rules of pumps that are broken, in words: a sentence for the screen and rows for the page."""

from __future__ import annotations

from typing import Any

from eutonia.report import words
from eutonia.trial.result import StudyResult

#: Heading and explanation of the rules that are broken, by what is judged.
JUDGED = {
    "program": ("Rules that this program breaks", ""),
    "case": ("Rules of pumps that are broken", "Of labels, manuals and expert panels. The pump does what it is told."),
    "trial": (
        "Rules of pumps that are broken",
        "Of label and expert panels, judged on what each person was given. A pump program is judged by all rules; an "
        "infusion tells no pump, so its flows, fillings and dates are not judged. A step of a titration later than the "
        "next day but one counts as one at a refill.",
    ),
}


def sentence(result: StudyResult) -> str:
    """Return how many rules of pumps are broken, in a sentence; empty where none is."""
    rules, hazards = len({one.rule for one in result.broken}), len({o.rule for o in result.broken if o.is_hazard})
    if not rules:
        return ""
    said = f"{rules} rule{'s' * (rules > 1)} of pumps broken"
    said += f", {hazards} of them {'hazards' if hazards > 1 else 'a hazard'}" if hazards else ""
    if result.kind == "case":
        return f"{said}, {len(result.broken)} time{'s' * (len(result.broken) > 1)}"
    worst = max(result.broken, key=lambda one: one.people / one.of)
    return f"{said}; most often “{worst.rule}”, by {worst.people:,} of {worst.of:,} people of the arm {worst.arm}"


def context(result: StudyResult) -> dict[str, Any]:
    """Return what the page of a study prints of its rules."""
    return {"broken": rows(result), "judged": JUDGED[result.kind]}


def rows(result: StudyResult) -> list[tuple[str, str, str, str, bool]]:
    """Return each broken rule as when (and by whom), rule, what is wrong, what to do, and whether it is a hazard."""
    found = []
    for one in result.broken:
        when = one.when
        if result.kind == "trial":
            where = " · ".join(words.label(part) for part in words.unique((one.phase, one.arm)))
            when = f"{where}: {one.people:,} of {one.of:,} people, from {one.when} on"
        says = one.says if result.kind == "case" else f"For example: {one.says}"
        found.append((when, one.rule, says, f"{one.do} ({one.source})", one.is_hazard))
    return found
