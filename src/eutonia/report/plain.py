"""Five plain sentences at the head of every page: what was asked, found, why, what it costs, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eutonia.report import chain as chains
from eutonia.report import glossary, words

if TYPE_CHECKING:
    import xarray

#: Statuses of numbers that nobody has read in a source.
UNREAD = ("assumed", "recalled")
#: Names of the sentences, in their order; those about which there is nothing to say are left out.
ASKED, FOUND, WHY, PRICE, SURE = "Asked", "Found", "Why", "The price", "How sure"


def rests_on(run: Mapping[str, Any]) -> str:
    """Return how many numbers a run rests on, and how many of them nobody has read in a source; nothing of none."""
    counts = dict(words.status_counts(run))
    if not counts:
        return ""
    unread = {status: counts[status] for status in UNREAD if counts.get(status)}
    parts = " and ".join(f"{number} {status}" for status, number in unread.items())
    told = f", of which nobody has read {sum(unread.values())} in a source ({parts})" if unread else ""
    return f"All this rests on {sum(counts.values())} numbers{told or ', each with its source'}."


def context(
    kind: str,
    said: Sequence[tuple[str, str]],
    *,
    scales: Sequence[str] = (),
    courses: Mapping[str, xarray.Dataset] | None = None,
    limb: str = "leg",
    more: Sequence[str] = (),
    whose: str = "",
) -> dict[str, Any]:
    """Return what every page says first and explains last.

    Parameters
    ----------
    kind
        Kind of the page, as `glossary.entries` has it.
    said
        Name and sentence; empty ones are left out, and the chain of `courses` says why, where they tell of tone.
    scales
        Scores on the page, to be explained.
    courses
        Physiology over time by the name of an option; one without a name.
    limb
        The limb of the chain.
    more
        Sentences on how sure it is, folded.
    whose
        Of whom the chain is, where it is not of all the people of the page.
    """
    why, drawn = chains.context(courses or {}, limb, scales)
    rows = [(name, sentence) for name, sentence in said if sentence and not (name == WHY and why)]
    if why:
        rows.insert(min(2, len(rows)), (WHY, f"{why} This is of {whose}." if whose else why))
    who = whose or "the middle one of the possible people"
    return {
        "plain": rows,
        "further": list(more),
        "chain": drawn,
        "chain_about": f"Each box is the cause of the next. Of {who}; full bars are 100%.",
        "glossary": glossary.entries(scales, kind),
    }
