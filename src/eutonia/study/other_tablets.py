"""Tablets of a drug that is not baclofen: as thin as its evidence, with the harms that its label counts.

Equation
    D left = D (1 - E min(1, d/d_trial))      only where the drug's set has a number of its effect on tone; else D
with d the daily dose and d_trial that of the trial. What it brings of unwanted things is in `trial.harms`, and adds to
what baclofen brings.
Assumptions: in proportion to the dose up to that of the trial and no more above it; at once, the same in everybody; no
tolerance, no withdrawal. Harms are those of the label, whatever the dose: no number says how they go with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, ClassVar

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.study import vocabulary
from eutonia.study.fields import Given, Hours, Interval, QuantityField, described
from eutonia.study.studyfile import Problem
from eutonia.study.treatments import Treatment

if TYPE_CHECKING:
    from eutonia.treatment import Effects

# Doses further apart are not the daily treatment of the trials, whose harms and effect are counted here, h.
_LONGEST_H = 48.0
_ROUNDING = 1e-9


class OtherTablets(Treatment):
    """Tablets of one drug in equal doses at equal intervals; a final of it names its set of records in `harms`."""

    dose_mg: Annotated[Given, QuantityField("oral_dose")] = described("One dose.", alias="dose")
    every_h: Interval = described("Time from dose to dose.", alias="every")
    start_h: Hours = described("First dose, time in the phase, or since the onset.", alias="start")
    stop_h: Hours | None = described("No dose from here on; left out, to the end.", alias="stop", default=None)

    dose_unit: ClassVar[str] = ""

    @property
    def amount(self) -> Given:
        """One dose, mg."""
        return self.dose_mg

    @property
    def alone_in(self) -> str | None:
        """A person takes one dose of a drug at a time: two treatments would pass the label and double its harms."""
        return "person"

    @property
    def dose_text(self) -> str:
        """One dose and its interval, in words."""
        return f"{self.dose_mg.text} every {self.every_h.text}"

    @property
    def name(self) -> str:
        """What it is, in words."""
        return self.route

    def effects(self, state: int, is_given: bool) -> Effects:
        """Return what is left of the bias of both limbs while it is taken; `state` is the number of people."""
        from eutonia.treatment import Effects

        assert self.harms is not None
        records, found = parameters.load(self.harms), Effects.none(state)
        if not is_given or "tone_taken" not in records:
            return found
        daily = self.dose_mg * HOURS_A_DAY / self.every_h
        taken = records.value("tone_taken", "1") * min(daily / records.value("dose_in_trial", "mg/day"), 1.0)
        for limb in ("leg", "arm"):
            found = found.joined(Effects.on(state, limb, bias_kept=1.0 - taken))
        return found

    def _problems(self) -> Iterable[Problem]:
        least = vocabulary.smallest_oral_dose()
        if self.dose_mg < least.value:
            why = f"That is no dose, and all harms of the drug would come of it; {least.label.lower()}: {least.text}."
            do = "Remove the treatment, or write a dose."
            yield Problem(("dose",), why, self.dose_mg.text, f"at least {least.text}", do=do)
            return
        assert self.harms is not None
        largest = parameters.load(self.harms).value("largest_daily_dose", "mg/day")
        if self.dose_mg > largest * (1 + _ROUNDING):
            why, allowed = "At once it is more than the label allows in a day.", f"at most {largest:g} mg"
            yield Problem(("dose",), why, self.dose_mg.text, allowed, do="Check digits and unit, or lower the dose.")
            return
        if self.every_h > _LONGEST_H:
            why = "Tablets given further apart than two days are no steady treatment, and harms are known of one only."
            do = "Shorten the interval, or stop the treatment and begin another."
            yield Problem(("every",), why, self.every_h.text, f'at most "{_LONGEST_H:g} hour"', do=do)
        daily = self.dose_mg * HOURS_A_DAY / self.every_h
        if daily > largest * (1 + _ROUNDING):
            given = f"{self.dose_mg.text} every {self.every_h.text}, which is {daily:.4g} mg a day"
            why, allowed = "That is more than the label allows.", f"at most {largest:g} mg a day"
            yield Problem(("dose",), why, given, allowed, do="Lower the dose, or lengthen the interval.")
