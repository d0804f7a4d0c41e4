"""How much of their baclofen tablets people take: a share of each dose, of each person's own, the same in every arm.

Equation
    share ~ Beta(m k, (1 - m) k),    k = m (1 - m) / s^2 - 1
m and s are mean and standard deviation between people; what is prescribed, and what a titration sees of it, is the
whole dose.
Assumptions: doses that are missed lie evenly, so that a share of each is taken; nobody stops for good; the share goes
with nothing else of the person.
Not for: tablets beside baclofen, which are taken or not; pumps and injections, which are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from eutonia.study.fields import Inside, Part, described
from eutonia.study.studyfile import Key, Problem
from eutonia.study.treatments import OralTreatment

if TYPE_CHECKING:
    from eutonia.study.parts import Phase


class TabletsTaken(Part):
    """The table [phase.tablets_taken]: the share of their tablets that people take."""

    mean: Inside = described("Mean share over people.")
    sd: Inside | None = described("Standard deviation between people; left out, all take the same.", default=None)

    @property
    def shape(self) -> tuple[float, float] | None:
        """Both numbers of the beta distribution of shares; None where all take the same."""
        if self.sd is None:
            return None
        known = self.mean * (1.0 - self.mean) / self.sd**2 - 1.0
        return self.mean * known, (1.0 - self.mean) * known

    def _problems(self) -> Iterable[Problem]:
        most = (self.mean * (1.0 - self.mean)) ** 0.5
        if self.sd is not None and self.sd >= most:
            why = "Shares between 0 and 1 with this mean cannot lie so far apart."
            yield Problem(("sd",), why, self.sd, f"below {most:.3g}", do="Lower it, or move the mean towards 0.5.")


def adherence_problems(phase: Phase, where: Key) -> Iterator[Problem]:
    """Yield that a phase says how much of its tablets is taken and gives none."""
    rescue = () if phase.rescue is None else phase.rescue.treatments
    given = [*(one for arm in phase.arms for one in arm.treatments), *rescue]
    if phase.tablets_taken is not None and not any(isinstance(one, OralTreatment) for one in given):
        why, do = "The phase gives no baclofen tablets, which it speaks of.", "Remove the table."
        yield Problem((*where, "tablets_taken"), why, "tablets_taken", 'a treatment of route = "oral"', do=do)
