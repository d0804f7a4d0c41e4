"""How the numbers of descending drive were obtained: prevalence and severity of spasticity after stroke.

    python calibration/population.py          the table, target against model, for the shipped numbers
    python calibration/population.py --fit    fit again and print the numbers to ship
    python calibration/population.py --tie    fit the tie of weakness to tone alone, all else as shipped
    python calibration/population.py --known  how well the fit knows the shipped numbers, and what goes together

Only calibration rows are used here, typed in below with their identifiers. A person is scored as in a survey: four
muscle groups a limb, each with its own deviation from the bias of its limb, one rater; the worst group counts. The
deviation and the noise shrink with the tone itself, since nobody grades a limb that does not resist. Chances over rater
noise are exact, so the misfit is smooth.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import jax
import numpy as np
from local import known_to, told
from scipy.optimize import brentq, least_squares, minimize_scalar
from scipy.special import ndtr

from eutonia import _streams, parameters, session
from eutonia.patient import ARM, LEG, LIMBS, Cohort, Population
from eutonia.patient.lesions import HAEMORRHAGIC
from eutonia.patient.pathways import CORTICOSPINAL
from eutonia.tone import descending
from eutonia.tone.descending import DescendingConstants

PEOPLE, SEED = 16_384, 2026
MUSCLE_GROUPS = 4
# Share of people with a chronic cord lesion whose legs are spastic: 0.65 to 0.78 (Maynard 1990: 0.78 of 96 at a year).
CORD_SPASTIC = (0.65 + 0.78) / 2
DAY = 24.0
WEEK, MONTH = 7.0 * DAY, 30.4375 * DAY
# Working share of the corticospinal tract below which a limb is paretic, and severely so: weakness shows at the bedside
# when about a tenth of the tract is silent; judgement.
PARETIC, SEVERELY_PARETIC = 0.9, 0.5
SEVERE_ARM = 0.3  # share of full strength below which an arm counts as severely paretic: judgement
ANY, SEVERE = 0.5, 2.5  # marks of the latent grade above which a rater scores 1 and 3


class Survey:
    """A drawn stroke population with its luck, examined at any time since onset with any constants."""

    def __init__(self, origin: str = "stroke") -> None:
        tone, bedside = parameters.load("tone"), parameters.load("bedside")
        self.muscle_sd, self.muscle_sd_from = tone.values(muscle_deviation="mV", muscle_deviation_from="mV")
        self.rater_sd = float(np.hypot(*bedside.values(rater_residual="1", rater_bias="1")))
        self.cohort = Cohort.draw(SEED, np.arange(PEOPLE), Population.typical(origin))
        correlation = DescendingConstants.from_records().limb_correlation
        person = self.cohort.person
        self.bias_luck = np.asarray(descending.limb_deviates(SEED, _streams.Purpose.BIAS, person, correlation))
        self.strength_luck = np.asarray(descending.limb_deviates(SEED, _streams.Purpose.STRENGTH, person, correlation))
        keys = _streams.keys(SEED, _streams.Purpose.MUSCLE, jax.numpy.asarray(person))
        muscles = np.asarray(_streams.normal(keys, MUSCLE_GROUPS * len(LIMBS)))
        self.muscle_luck = muscles.reshape(MUSCLE_GROUPS, len(LIMBS), PEOPLE)
        onset = self.cohort.pathways.integrity(0.0)[CORTICOSPINAL]
        self.paretic = onset < PARETIC
        self.severely_paretic = onset < SEVERELY_PARETIC
        self.plegic = onset[ARM] < 0.2
        self.bled = self.cohort.lesions.kind == HAEMORRHAGIC

    def bias(self, constants: DescendingConstants, time_h: float | np.ndarray) -> np.ndarray:
        """Return the bias of leg and arm, mV."""
        factor = np.exp(constants.bias_spread * self.bias_luck)
        integrity = self.cohort.pathways.integrity(time_h)
        return np.asarray(descending.descending_bias(integrity, factor, time_h, constants))

    def scored(self, constants: DescendingConstants, time_h: float | np.ndarray, mark: float) -> np.ndarray:
        """Return the chance that the worst muscle group of each limb is scored above a mark."""
        bias = self.bias(constants, time_h)
        deviation = self.muscle_sd * np.minimum(bias / self.muscle_sd_from, 1.0)
        muscle = np.maximum(bias + deviation * self.muscle_luck, 0.0)
        noise = self.rater_sd * np.clip(muscle, 1e-6, 1.0)
        return 1.0 - np.prod(ndtr((mark - muscle) / noise), axis=0)

    def strength(self, constants: DescendingConstants, time_h: float) -> np.ndarray:
        """Return voluntary strength of leg and arm."""
        luck = descending.weakness_deviates(self.bias_luck, self.strength_luck, constants)
        exponent = np.exp(constants.strength_spread * luck)
        return np.asarray(descending.voluntary_strength(self.cohort.pathways.integrity(time_h), exponent, constants))


Model = Callable[[Survey, DescendingConstants], float]


@dataclass(frozen=True)
class Target:
    """A published quantity and how the model computes it; `weight` 0 shows it without fitting it."""

    row: str
    text: str
    value: float
    error: float
    model: Model
    weight: float = 1.0


def _either(scored: np.ndarray) -> np.ndarray:
    return 1.0 - (1.0 - scored[LEG]) * (1.0 - scored[ARM])


def _prevalence(s: Survey, c: DescendingConstants, *, time_h: float, mark: float, who: str, limb: int | None) -> float:
    scored = s.scored(c, time_h, mark)
    chance = _either(scored) if limb is None else scored[limb]
    return 100.0 * float(np.mean(chance[_group(s, who, limb)]))


def _group(s: Survey, who: str, limb: int | None) -> np.ndarray:
    paretic = s.paretic.any(axis=0) if limb is None else s.paretic[limb]
    groups = {
        "all": np.ones(PEOPLE, dtype=bool),
        "paretic": paretic,
        "paretic infarct": paretic & ~s.bled,
        "plegic arm, infarct": s.plegic & ~s.bled,
    }
    return groups[who]


def share(who: str, time_h: float, mark: float = ANY, limb: int | None = None) -> Model:
    """Return the model of a prevalence, per cent."""
    return partial(_prevalence, time_h=time_h, mark=mark, who=who, limb=limb)


def _odds(chance: np.ndarray) -> float:
    mean = float(np.mean(chance))
    return mean / (1.0 - mean)


def odds_ratio_bleed(s: Survey, c: DescendingConstants) -> float:
    """Odds ratio of spasticity, bleed against infarct, among all strokes at 3 months."""
    chance = _either(s.scored(c, 3.0 * MONTH, ANY))
    return _odds(chance[s.bled]) / _odds(chance[~s.bled])


def odds_ratio_paresis(s: Survey, c: DescendingConstants) -> float:
    """Odds ratio of spasticity, moderate to severe against mild paresis, at 3 months.

    Paresis is graded by the strength of the weaker limb then; as many count as severe as lesions at onset make so.
    """
    chance, strength = _either(s.scored(c, 3.0 * MONTH, ANY)), s.strength(c, 3.0 * MONTH).min(axis=0)
    paretic = s.paretic.any(axis=0)
    severe = strength <= np.quantile(strength[paretic], np.mean(s.severely_paretic.any(axis=0)[paretic]))
    return _odds(chance[paretic & severe]) / _odds(chance[paretic & ~severe])


def odds_ratio_arm(s: Survey, c: DescendingConstants) -> float:
    """Odds ratio of spasticity at a month, arms that were severely paretic at onset against all others."""
    chance, severe = _either(s.scored(c, MONTH, ANY)), s.strength(c, 0.0)[ARM] < SEVERE_ARM
    return _odds(chance[severe]) / _odds(chance[~severe])


def explained_strength(s: Survey, c: DescendingConstants, *, at_most: float = 1.0) -> float:
    """Share of the variance of arm strength at 3 months that corticospinal load explains, in paretic arms."""
    load = s.cohort.pathways.core_loss[CORTICOSPINAL, ARM]
    strength = s.strength(c, 3.0 * MONTH)[ARM]
    arm = s.paretic[ARM] & (strength < at_most)
    return float(np.corrcoef(load[arm], strength[arm])[0, 1] ** 2)


def binomial(per_cent: float, n: int) -> float:
    """Return the standard error of a prevalence, per cent."""
    p = per_cent / 100.0
    return 100.0 * float(np.sqrt(p * (1.0 - p) / n))


def _targets() -> list[Target]:
    def prevalence(row: str, text: str, value: float, n: int, model: Model, weight: float = 1.0) -> Target:
        return Target(row, text, value, binomial(value, n), model, weight)

    half = 0.5  # another instrument, or a cumulative incidence
    return [
        prevalence("POP001", "Wissel, all, 2 wk", 24.5, 94, share("all", 2 * WEEK)),
        prevalence("POP002", "Wissel, all, 6 wk", 26.7, 94, share("all", 6 * WEEK)),
        prevalence("POP003", "Wissel, all, 16 wk", 21.7, 94, share("all", 16 * WEEK)),
        prevalence("POP004", "Wissel, all, >= 3", 9.6, 94, share("all", 16 * WEEK, SEVERE)),
        prevalence("POP005", "Urban, paretic infarct, 6 mo", 42.6, 211, share("paretic infarct", 6 * MONTH)),
        prevalence("POP006", "Urban, >= 3", 15.6, 211, share("paretic infarct", 6 * MONTH, SEVERE)),
        prevalence("POP007", "Urban, arm, >= 3", 18.9, 211, share("paretic infarct", 6 * MONTH, SEVERE, ARM)),
        prevalence("POP008", "Urban, leg, >= 3", 5.5, 211, share("paretic infarct", 6 * MONTH, SEVERE, LEG)),
        prevalence("POP016", "Lundstrom, all, day 6", 4.0, 49, share("all", 6 * DAY)),
        prevalence("POP017", "Lundstrom, all, 1 mo", 27.0, 49, share("all", MONTH)),
        prevalence("POP018", "Lundstrom, all, 6 mo", 23.0, 49, share("all", 6 * MONTH)),
        Target("POP023", "Zeng, all", 25.3, 2.0, share("all", 3 * MONTH)),
        Target("POP025", "Zeng, paretic", 39.5, 4.0, share("paretic", 3 * MONTH)),
        Target("POP026", "Zeng, paretic, >= 3 or disabling", 9.4, 2.0, share("paretic", 3 * MONTH, SEVERE)),
        Target("POP028", "Zeng, odds ratio, moderate to severe paresis", 6.57, 3.1, odds_ratio_paresis),
        Target("POP020", "Lundstrom, odds ratio, severe arm paresis", 10.0, 8.0, odds_ratio_arm),
        Target("POP029", "Zeng, odds ratio, bleed", 1.879, 0.27, odds_ratio_bleed),
        Target("POP037", "Feng, R2 of load on arm strength, 3 mo", 0.69, 0.06, explained_strength),
        Target(
            "POP038", "Feng, the same, strength below 0.4", 0.47, 0.1, partial(explained_strength, at_most=0.4), 0.0
        ),
        prevalence("POP009", "Sommerfeld, all, day 5", 21.0, 95, share("all", 5 * DAY), 0.0),
        prevalence("POP010", "Sommerfeld, all, 3 mo", 19.0, 95, share("all", 3 * MONTH)),
        prevalence(
            "POP021", "van Kuijk, plegic arm, 26 wk", 63.0, 43, share("plegic arm, infarct", 26 * WEEK, ANY, ARM), half
        ),
        prevalence("POP022", "KOSCO, all, 3 mo", 7.3, 1000, share("all", 3 * MONTH), 0.0),
        prevalence("POP030", "Plantin, paretic arm, 3 wk", 33.0, 61, share("paretic", 3 * WEEK, ANY, ARM), half),
        prevalence("POP031", "Plantin, paretic arm, 6 mo", 51.0, 61, share("paretic", 6 * MONTH, ANY, ARM), half),
    ]


TARGETS = _targets()

# Fitted numbers: arm weight, leg over arm, spread, flaccid time, emergence time, strength spread (all positive: logs),
# with weak priors that carry what the rows leave open.
_START = {
    "arm": 0.8,
    "leg": 0.6,
    "spread": 1.2,
    "flaccid_time": 3.0 * DAY,
    "emergence_time": 4.0 * WEEK,
    "strength": 0.8,
}
_PRIOR_LOG_SD = {"flaccid_time": 0.4, "emergence_time": 0.35, "spread": 0.15}


def _constants(logs: np.ndarray, shipped: DescendingConstants) -> DescendingConstants:
    n = dict(zip(_START, np.exp(logs), strict=True))
    weight = (float(n["arm"] * n["leg"]), float(n["arm"]))
    return replace(
        shipped,
        dorsal_weight=weight,
        medial_weight=weight,
        bias_spread=float(n["spread"]),
        flaccid_time=float(n["flaccid_time"]),
        emergence_time=float(n["emergence_time"]),
        strength_spread=float(n["strength"]),
    )


def misfit(survey: Survey, logs: np.ndarray) -> np.ndarray:
    """Return the gaps of the targets that are fitted, and of the priors, at logarithms of the numbers of `_START`."""
    constants = _constants(logs, DescendingConstants.from_records())
    prior = np.array([_PRIOR_LOG_SD.get(name, np.inf) for name in _START])
    fitted = [target for target in TARGETS if target.weight > 0.0]
    gaps = [np.sqrt(t.weight) * (t.model(survey, constants) - t.value) / t.error for t in fitted]
    return np.array([*gaps, *((logs - np.log(list(_START.values()))) / prior)])


def fit(survey: Survey) -> DescendingConstants:
    """Return the constants that meet the targets best."""
    best = least_squares(partial(misfit, survey), np.log(list(_START.values())), diff_step=1e-3)
    return _constants(best.x, DescendingConstants.from_records())


def how_well(survey: Survey) -> tuple[np.ndarray, np.ndarray]:
    """Return the local standard errors of the logarithms as they ship, and the correlation of the estimates."""
    c = DescendingConstants.from_records()
    arm = c.dorsal_weight[ARM]
    shipped = (arm, c.dorsal_weight[LEG] / arm, c.bias_spread, c.flaccid_time, c.emergence_time, c.strength_spread)
    return known_to(partial(misfit, survey), np.log(np.array(shipped)), 0.02)


def fit_tie(survey: Survey, constants: DescendingConstants) -> DescendingConstants:
    """Return the constants with the tie of weakness to tone that meets the odds ratios of paresis, on their log scale.

    Their intervals (2.58 to 16.76, 2.1 to 48.4) are the errors: 0.48 and 0.80 of the logarithm.
    """
    rows = ((odds_ratio_paresis, 6.57, 0.48), (odds_ratio_arm, 10.0, 0.80))

    def misfit(tie: float) -> float:
        at = replace(constants, tone_weakness_correlation=float(tie))
        return sum((float(np.log(model(survey, at) / value)) / error) ** 2 for model, value, error in rows)

    found = minimize_scalar(misfit, bounds=(-0.9, 0.9), method="bounded", options={"xatol": 1e-3})
    return replace(constants, tone_weakness_correlation=float(found.x))


def fit_cord(survey: Survey, constants: DescendingConstants) -> DescendingConstants:
    """Return the constants with the monoaminergic weight at which cord lesions are spastic as often as they are."""

    def excess(weight: float) -> float:
        at = replace(constants, monoaminergic_weight=(weight,) * len(LIMBS))
        return float(np.mean(survey.scored(at, survey.cohort.time_since_onset_h, ANY)[LEG])) - CORD_SPASTIC

    return replace(constants, monoaminergic_weight=(brentq(excess, 0.01, 5.0, xtol=1e-3),) * len(LIMBS))


def table(survey: Survey, constants: DescendingConstants) -> str:
    """Return target against model, and what trials may recruit from."""
    lines = [f"{'row':7}{'quantity':48}{'target':>8}{'error':>7}{'model':>8}{'gap/error':>11}  weight"]
    for t in TARGETS:
        got = t.model(survey, constants)
        gap = (got - t.value) / t.error
        lines.append(f"{t.row:7}{t.text:48}{t.value:8.2f}{t.error:7.2f}{got:8.2f}{gap:11.1f}  {t.weight:g}")
    paretic = survey.paretic.any(axis=0)
    severe = survey.severely_paretic.any(axis=0)[paretic]
    lines.append(
        f"paretic at onset {100 * np.mean(paretic):.1f} %, moderate to severe among them {100 * np.mean(severe):.1f} %"
    )
    lines += ["all strokes at one year, bias, mV", *_reach(survey.bias(constants, 12.0 * MONTH))]
    return "\n".join(lines)


def _reach(bias: np.ndarray) -> list[str]:
    """Return what trials may recruit from: quantiles and bands of the bias, mV."""
    lines = []
    for limb, name in enumerate(LIMBS):
        quantiles = ", ".join(f"{np.percentile(bias[limb], q):.2f} ({q} %)" for q in (50, 75, 90, 95, 99))
        bands = ", ".join(f"{100 * np.mean((bias[limb] >= low) & (bias[limb] < low + 1)):.2f}" for low in range(1, 5))
        lines.append(f"  {name}: quantiles {quantiles}; per cent in 1-2, 2-3, 3-4, 4-5 mV: {bands}")
    both = ", ".join(f"{100 * np.mean((bias > low).all(axis=0)):.2f}" for low in (1.5, 2.0, 2.5, 3.0))
    return [*lines, f"  per cent with leg and arm both above 1.5, 2, 2.5, 3 mV: {both}"]


def cord_table(survey: Survey, constants: DescendingConstants) -> str:
    """Return how often and how severely cord lesions make legs spastic."""
    time_h = survey.cohort.time_since_onset_h
    legs = [100.0 * float(np.mean(survey.scored(constants, time_h, mark)[LEG])) for mark in (ANY, SEVERE)]
    head = f"cord lesions: legs spastic {legs[0]:.1f} %, 3 or more {legs[1]:.1f} %; bias, mV"
    return "\n".join([head, *_reach(survey.bias(constants, time_h))])


def main() -> None:
    """Print the table, after a fit when asked for one."""
    session.begin()
    survey = Survey()
    constants = DescendingConstants.from_records()
    if "--fit" in sys.argv:
        constants = fit_cord(Survey("spinal"), fit(survey))
        print(constants)
    if "--tie" in sys.argv:
        constants = fit_tie(survey, constants)
        print(constants.tone_weakness_correlation)
    if "--known" in sys.argv:
        print(told(list(_START), *how_well(survey)))
    print(table(survey, constants))
    print(cord_table(Survey("spinal"), constants))


if __name__ == "__main__":
    main()
