"""The verbs examine and score: what hands find of people at one time, and what a rater makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from eutonia import session
from eutonia._arguments import WHOLE, accepts, instance
from eutonia._printed import Printed
from eutonia.api.course import PEOPLE
from eutonia.api.rows import long, one, spread
from eutonia.assessment.scales import SCALES
from eutonia.assessment.scoring import Chart, chart, chart_constants, charted_muscles, draw_luck, no_luck
from eutonia.errors import SimulationError
from eutonia.patient import LIMBS
from eutonia.simulation.course import Snapshot
from eutonia.simulation.examine import Examination, body_constants
from eutonia.simulation.examine import examine as find
from eutonia.simulation.maneuver import PassiveStretch, TendonTap
from eutonia.simulation.people import People
from eutonia.simulation.stance import Stance, stance

if TYPE_CHECKING:
    import polars

_SNAPSHOT = instance("a snapshot of the drug", 'simulate(people, regimen, at_h="14 day").at("14 day")', Snapshot)
_STRETCH, _TAP = instance("a stretch", "PassiveStretch()", PassiveStretch), instance("a tap", "TendonTap()", TendonTap)
_ASHWORTH, _BRISK = PassiveStretch(), TendonTap()


@dataclass(frozen=True, repr=False)
class Examined(Printed):
    """People examined at one time: `found` physical findings before any rater hears of them, `standing` of the leg."""

    people: People
    found: Examination
    standing: Stance

    def prose(self) -> str:
        """Return the bias that is left in each limb, and what resists in it."""
        bias = ", ".join(f"{limb} {spread(self.found.bias[k])} mV" for k, limb in enumerate(LIMBS))
        h = ", ".join(f"{limb} {spread(self.found.h_over_m[k])}" for k, limb in enumerate(LIMBS))
        return f"{self.people.n} examined. Bias left: {bias}. H/M: {h} (median, 95 % of people). See frame()."

    def frame(self) -> polars.DataFrame:
        """Return patient, limb, item (the limb as a whole, or a muscle group), variable, value, unit."""
        import polars as pl

        muscles = [
            one(self.found.excess[k], limb=limb, item=name, variable="resistance over healthy", unit="torque ceiling")
            for k, (name, limb) in enumerate(charted_muscles())
        ]
        limbs = [
            one(getattr(self.found, name)[k], limb=limb, item="limb", variable=name, unit=unit)
            for name, unit in (("bias", "mV"), ("h_over_m", "1"), ("contracture", "1"))
            for k, limb in enumerate(LIMBS)
        ]
        return pl.concat([*muscles, *limbs]).select("patient", "limb", "item", "variable", "value", "unit")


@accepts(people=PEOPLE, snapshot=_SNAPSHOT, stretch=_STRETCH, tap=_TAP)
def examine(
    people: People,
    snapshot: Snapshot,
    *,
    stretch: PassiveStretch = _ASHWORTH,
    tap: TendonTap = _BRISK,
) -> Examined:
    """Stretch every charted muscle group of people, tap their tendons, shock a nerve, let them stand.

    Parameters
    ----------
    people : People
        From `make_people`, or `course.people`.
    snapshot : Snapshot
        The drug in them: `course.at("14 day")`; `Snapshot.untreated(people.n)` for none.
    stretch : PassiveStretch
        How fast a limb is moved; as for an Ashworth score when left out.
    tap : TendonTap
        How briskly a tendon is tapped.

    Returns
    -------
    Examined
        Findings, patients on the last axis; `score` turns them into a chart.

    Raises
    ------
    ArgumentError
        No people, no snapshot, no stretch or no tap.
    SimulationError
        A snapshot of other people.

    Notes
    -----
    **Equation** threshold lambda - mu v, gain and force of the reduced joint model (`eutonia.limb.ramp`). An
    examination sees a limb for seconds and moves no drug.
    """
    session.begin()
    if snapshot.plasma.shape != (people.n,):
        raise SimulationError(
            f"the snapshot is of {snapshot.plasma.shape[0]} people. Allowed: of the same {people.n}. Nearest: "
            "course.people and course.at(time) of one course. Give both of one."
        )
    body = body_constants()
    return Examined(people, find(people, snapshot, body, stretch, tap), stance(people, snapshot, body))


@dataclass(frozen=True, repr=False)
class Scores(Printed):
    """The chart of people at one visit: `chart` holds every scale, patients on the last axis."""

    people: People
    chart: Chart

    def prose(self) -> str:
        """Return every scale in words: median, and the middle 95 % of people where there are several."""
        told = []
        for key, scale in SCALES.items():
            if scale.is_score:
                unit = "" if scale.unit in ("score", "1") else f" {scale.unit}"
                values = np.asarray(getattr(self.chart, key))
                of = zip(LIMBS, values, strict=True) if scale.of_limb else (("", values),)
                told.append(f"{scale.label} " + ", ".join(f"{limb} {spread(x)}{unit}".strip() for limb, x in of))
        return "; ".join(told) + (" (median, 95 % of people)." if self.people.n > 1 else ".")

    def frame(self) -> polars.DataFrame:
        """Return patient, limb (null for the whole person), scale, item ("mean" or a muscle group), score, unit."""
        import polars as pl

        parts = []
        for key, scale in SCALES.items():
            if not scale.is_score:
                continue
            about = {"variable": key, "unit": scale.unit, "item": "mean"}
            parts.append(long(np.asarray(getattr(self.chart, key)), about))
            if scale.of_muscles:
                muscles = np.asarray(getattr(self.chart, f"{key}_muscle"))
                groups = zip(charted_muscles(), muscles, strict=True)
                parts += [one(x, limb=limb, item=name, variable=key, unit=scale.unit) for (name, limb), x in groups]
        columns = ["patient", "limb", "variable", "item", "value", "unit"]
        table = pl.concat([part.select(columns) for part in parts])
        return table.rename({"variable": "scale", "value": "score"})


@accepts(
    examined=instance("what examine returns", "examine(people, snapshot)", Examined),
    rater_seed=WHOLE.or_none(),
    visit=WHOLE,
)
def score(examined: Examined, *, rater_seed: int | None = None, visit: int = 0) -> Scores:
    """Score what an examination found, as a rater does.

    Parameters
    ----------
    examined : Examined
        From `examine`.
    rater_seed : int or None
        Start of the luck of raters and reports; noiseless ones when left out.
    visit : int
        Number of the visit: the same person at another visit meets other luck, with the same rater.

    Returns
    -------
    Scores
        `chart` and `frame()`: Ashworth 1 to 5, modified Ashworth (1+ as 1.5), reflex, spasm, H/M, pain, speed, stance.

    Raises
    ------
    ArgumentError
        Nothing examined, or a seed or a visit that is no whole number.

    Notes
    -----
    **Equation** and **Source** of each scale: `eutonia.assessment`.
    """
    session.begin()
    people, constants = examined.people, chart_constants()
    luck = no_luck(people.n) if rater_seed is None else draw_luck(rater_seed, people.person, visit, constants)
    return Scores(people, chart(people, examined.found, examined.standing, luck, jnp.zeros(people.n), constants))
