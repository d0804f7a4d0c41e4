"""What a bedside test is: what it is called, how it is done, on which limbs, and what it finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from eutonia.errors import SimulationError

if TYPE_CHECKING:
    from eutonia.examination.findings import Found
    from eutonia.simulation.bedside import Bedside


@dataclass(frozen=True, slots=True)
class BedsideTest:
    """One test at the bedside. The examination of a case, its page and its files read it here, and nowhere else.

    Parameters
    ----------
    name : str
        What it is called on the command line and in files: "h-reflex".
    label, how : str
        Its name, and how it is done and scored, both in plain words.
    limbs : tuple of str
        Limbs that it can be done on.
    run : function
        From people at the bedside, limbs and seed to findings and recordings, patients on the last axis.
    group : str
        "bedside" moves a limb; "nerve" shocks a nerve, which is far slower.
    sources : tuple of str
        Where the test was published: keys of sources.bib, references as text, or "assumption".
    """

    name: str
    label: str
    how: str
    limbs: tuple[str, ...]
    run: Callable[[Bedside, Sequence[str], int], Found]
    group: Literal["bedside", "nerve"] = "bedside"
    sources: tuple[str, ...] = ("assumption",)

    def done(self, at: Bedside, limbs: Sequence[str], seed: int) -> Found:
        """Return what it finds on these limbs, under its name.

        Raises
        ------
        SimulationError
            Two findings of one limb or muscle group have one key.
        """
        findings, traces = self.run(at, limbs, seed)
        twice = [key for key, count in Counter((one.of, one.key) for one in findings).items() if count > 1]
        if twice:
            of, key = twice[0]
            raise SimulationError(
                f'the test {self.name} has two findings "{key}" of {of}. Allowed: each key once for each limb or '
                "muscle group. Give one of them another key."
            )
        return [replace(one, test=self.name) for one in findings], [replace(one, test=self.name) for one in traces]
