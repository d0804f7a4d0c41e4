"""Adverse effects: one hazard a reaction, by route and stage of each moment, in proportion to exposure of the brain.

No single exposure curve gives the rates of every phase, because label phases are cumulative over very different times.
So each label row becomes a hazard at the exposure of its phase, and a person's hazard follows their own exposure
(`Exposed`). On tablets most reactions come early: people get used to a level, and only a higher one is new to them.

Equation
    L = sum over stages of k_stage X_stage + k_oral (M + r A / tau) + k_placebo (1 - exp(-t/tau) + r t / tau)
    risk = 1 - exp(-L) ;  the reaction comes at the hour at which L reaches the person's own -log(luck)
    k    = c^-2 [(1 - p)^(-c^2) - 1] / X_ref : people whose exposure has mean X_ref and CV c (gamma) then show p
    k_placebo = -log(1 - p_0) / (1 - exp(-T/tau) + r T / tau)
X, M, A what the brain has met (`Exposed`), t time on tablets or placebo, p published incidence, p_0 that on placebo,
tau and r habituation; on tablets p is what drug adds, 1 - (1 - p_tablets) / (1 - p_0).
Source: Label_ITB, Label_oral; X_ref from the present drug model (calibration/adverse_exposure.py).
Not for: overdose (the hazard is linear), withdrawal, or the order of reactions in one person. The intrathecal label has
no placebo group: none of its reactions is given to placebo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.effect.exposed import Exposed

Stage = Literal["screening", "titration", "maintenance", "oral"]
Origin = Literal["cerebral", "spinal"]
Levels = Float[np.ndarray, "..."]
Met = Float[np.ndarray, "source patient"]

INTRATHECAL_REACTIONS = (
    "drowsiness", "dizziness", "headache", "nausea", "confusion", "hypotonia", "paresthesia", "constipation",
    "urinary_retention", "seizure", "hypotension", "hypoventilation", "coma",
)  # fmt: skip
ORAL_REACTIONS = (
    "drowsiness", "dizziness", "weakness", "fatigue", "headache", "nausea", "confusion", "insomnia", "hypotension",
    "constipation", "urinary_frequency",
)  # fmt: skip
#: All reactions; the place of one here is the key of its luck, so new ones are added at the end.
REACTIONS = (
    *INTRATHECAL_REACTIONS, "weakness", "fatigue", "insomnia", "urinary_frequency", "dry_mouth", "liver_injury",
)  # fmt: skip
#: What a reaction may come from, in the order of `Hazards.met`; placebo tablets bring the background too.
SOURCES = ("screening", "titration", "maintenance", "oral", "background")


def row_of(reaction: str, stage: Stage, origin: Origin) -> str:
    """Return the record of a reaction's published incidence; a label without a row for one origin has one for both."""
    if stage == "oral":
        return f"{reaction}_oral"
    name = f"{reaction}_intrathecal_{origin}_{stage}"
    return name if name in parameters.load("adverse") else f"{reaction}_intrathecal_spinal_{stage}"


def share_on(reaction: str, stage: Stage, origin: Origin) -> float:
    """Return the published incidence of a reaction on drug in a stage of treatment."""
    return parameters.load("adverse").value(row_of(reaction, stage, origin), "1")


def share_on_placebo(reaction: str) -> float:
    """Return the incidence of a reaction to placebo tablets: published for drowsiness, for the rest a share of that on
    drug.
    """
    records = parameters.load("adverse")
    own = f"{reaction}_oral_placebo"
    return (
        records.value(own, "1")
        if own in records
        else records.value("placebo_share_oral", "1") * share_on(reaction, "oral", "cerebral")
    )


def course_of_habituation(time_h: float | Levels) -> Levels:
    """Return what has come by a time on an unchanged dose, of what comes before people are used to it.

    A time for all gives one number, times of people one for each of them.
    """
    return _course(time_h, *_habituation())


def _habituation() -> tuple[float, float]:
    """Return time constant, h, and residual of habituation."""
    tau, residual = parameters.load("adverse").values(habituation_time="day", habituation_residual="1")
    return tau * HOURS_A_DAY, residual


def _course(time_h: float | Levels, habituation_h: float, residual: float) -> Levels:
    spent = time_h / habituation_h
    return np.asarray(-np.expm1(-spent) + residual * spent)


def reference_exposure(stage: Stage, origin: Origin) -> tuple[float, float]:
    """Return mean and coefficient of variation of what the brain meets in a stage as the label dosed it.

    The mean is in ng h/mL, for tablets in ng/mL.
    """
    records = parameters.load("adverse")
    name, length = "reference_exposure_oral", 1.0
    if stage != "oral":
        name = f"reference_exposure_{stage}_{origin}"
        length = records.value(f"{stage}_duration", "h")
    return records.value(name, "ng/mL") * length, float(records.spread(name, "ng/mL").cv or 0.0)


def hazard_per_exposure(reaction: str, stage: Stage, origin: Origin) -> float:
    """Return the hazard of a reaction for each ng h/mL (for tablets ng/mL) that the brain meets in a stage."""
    share = share_on(reaction, stage, origin)
    if stage == "oral":
        share = 1.0 - (1.0 - share) / (1.0 - share_on_placebo(reaction))
    mean, cv = reference_exposure(stage, origin)
    shape = cv**-2
    return float(shape * ((1.0 - share) ** (-1.0 / shape) - 1.0) / mean)


def placebo_hazard(reaction: str) -> float:
    """Return the hazard of a reaction to placebo tablets, for each unit of the course of habituation."""
    length = parameters.load("adverse").value("oral_duration", "day") * HOURS_A_DAY
    return float(-np.log1p(-share_on_placebo(reaction)) / course_of_habituation(length))


@dataclass(frozen=True)
class Hazards:
    """Hazards of all reactions (rows) for what the brain meets from each source (columns, in the order of SOURCES)."""

    table: Float[np.ndarray, "reaction source"]
    habituation_h: float
    residual: float

    @classmethod
    def of(cls, origin: Origin, *, oral: bool, intrathecal: bool) -> Hazards:
        """Return the hazards of an arm that gives, or pretends to give, the drug by these routes."""
        table = np.zeros((len(REACTIONS), len(SOURCES)))
        stages: tuple[Stage, ...] = ("screening", "titration", "maintenance")
        for i, reaction in enumerate(REACTIONS):
            if intrathecal and reaction in INTRATHECAL_REACTIONS:
                table[i, :3] = [hazard_per_exposure(reaction, stage, origin) for stage in stages]
            if oral and reaction in ORAL_REACTIONS:
                table[i, 3:] = hazard_per_exposure(reaction, "oral", origin), placebo_hazard(reaction)
        return cls(table, *_habituation())

    def met(self, exposed: Exposed, on_tablets_h: float | Levels) -> Met:
        """Return what the hazard of each source follows, for each person, so far.

        `on_tablets_h` hours since tablets or their placebo began, 0 before and for who is given none.
        """
        each = self.residual / self.habituation_h
        used = np.asarray(exposed.highest) + each * np.asarray(exposed.tablets)
        reported = np.broadcast_to(_course(on_tablets_h, self.habituation_h, self.residual), used.shape)
        fluid = (np.asarray(x) for x in (exposed.screening, exposed.titration, exposed.maintenance))
        return np.stack([*fluid, used, reported])

    def cumulative(self, met: Met) -> Float[np.ndarray, "reaction patient"]:
        """Return the hazard of each reaction for each person, of what they have met from each source."""
        found = np.zeros((len(REACTIONS), met.shape[1]))
        for per_exposure, so_far in zip(self.table.T, met, strict=True):
            if per_exposure.any():
                found += per_exposure[:, None] * so_far
        return found

    def of_moment(self, reaction: int, fluid: Levels, tablets: Levels, exposed: Exposed) -> Levels:
        """Return the hazard of one reaction per hour now; placebo's reports are left out, for they are not the drug's.

        `fluid` and `tablets` are the brain's effective levels from each, ng/mL, of any shape.
        """
        titration_h = parameters.load("adverse").value("titration_duration", "day") * HOURS_A_DAY
        on_pump, used_to = np.asarray(exposed.on_pump_h), np.asarray(exposed.used_to)
        stage = np.where(on_pump <= 0, 0, np.where(on_pump <= titration_h, 1, 2))
        is_new = used_to >= np.asarray(exposed.highest) * (1 - _ROUNDING)
        rise = np.where(is_new, np.maximum(tablets - used_to, 0.0), 0.0)
        by_mouth = (rise + self.residual * tablets) / self.habituation_h
        return self.table[reaction, stage] * fluid + self.table[reaction, SOURCES.index("oral")] * by_mouth


@parameters.remembered
def hazards_of(origin: Origin, *, oral: bool, intrathecal: bool) -> Hazards:
    """Return the hazards of an arm that gives, or pretends to give, the drug by these routes, read once."""
    return Hazards.of(origin, oral=oral, intrathecal=intrathecal)


_ROUNDING = 1e-9
