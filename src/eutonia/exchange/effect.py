"""What the drug does as equations: GABA-B receptors that adapt, and hazards of adverse effects."""

from __future__ import annotations

from dataclasses import dataclass

from eutonia import parameters
from eutonia.drug.effect import adverse
from eutonia.exchange.equations import HOUR, LEVEL, ONE, Constant, Equations, Rate, Rule, from_record

_LIMBS = ("leg", "arm")
_SHARED = (
    "ec50",
    "hill",
    "acute_shift",
    "acute_time",
    "fast_shift",
    "fast_time",
    "slow_shift",
    "recovery_time",
    "terminal_tolerance",
    "opposition",
    "opposition_potency",
    "opposition_time",
    "withdrawal_time",
)
_OF_LIMBS = ("hyperpolarisation", "drive_share", "leg_to_arm", "release_block", "blood_potency", "tone_potency")


@dataclass(frozen=True, slots=True)
class EffectLevels:
    """Formulas of the levels that the sites read: slow for tone, fast for the reflex and the brain."""

    slow: dict[str, str]
    fast: dict[str, str]


def from_blood() -> EffectLevels:
    """Return what the sites read under tablets: the same level everywhere."""
    slow, fast = "blood_potency * slow_from_blood", "blood_potency * fast_from_blood"
    return EffectLevels(slow=dict.fromkeys(_LIMBS, slow), fast=dict.fromkeys((*_LIMBS, "brain"), fast))


def from_both() -> EffectLevels:
    """Return what the sites read under drug in the spinal fluid, part of which comes back by blood."""
    near, blood = {site: f"slow_{site}" for site in _LIMBS}, from_blood()
    return EffectLevels(
        slow={site: f"{level} + {blood.slow[site]}" for site, level in near.items()},
        fast={site: f"fast_{site} + {level}" for site, level in blood.fast.items()},
    )


def held_level() -> Equations:
    """Return receptors that adapt under a level held constant, at first the EC50."""
    own = parameters.load("receptor")
    given = Constant(
        "level_site", "Level at the receptors, held until changed", own.value("ec50", "ng/mL"), LEVEL, own["ec50"]
    )
    return (
        Equations(constants=(given,), name="receptor", title=own.title, note=own.note)
        + _shared()
        + _site("site", "receptors")
    )


def limbs(levels: EffectLevels) -> Equations:
    """Return the receptors of leg, arm and brain, what they take from bias and release, and the level that the brain
    reads.
    """
    own = parameters.load("receptor")
    part = Equations(
        constants=(
            *(from_record(own[name]) for name in _OF_LIMBS),
            *(Constant(f"bias_{x}", f"Bias of the {x} without drug: set it", 0.0, "mV") for x in _LIMBS),
        ),
        rules=(
            *(
                Rule(f"level_{x}", f"Level that tone of the {x} reads", LEVEL, f"tone_potency * ({levels.slow[x]})")
                for x in _LIMBS
            ),
            *(Rule(f"level_{x}_reflex", f"Level that the {x} reflex reads", LEVEL, levels.fast[x]) for x in _LIMBS),
            Rule("level_brain", "Level at the brain", LEVEL, levels.fast["brain"]),
            Rule("brain", "Effective level at the brain", LEVEL, "sensitivity_brain * level_brain"),
            *(
                Rule(f"hyperpolarisation_{x}", f"Bias that the drug takes from the {x}", "mV", _TAKEN[x])
                for x in _LIMBS
            ),
            *(
                Rule(
                    f"release_{x}",
                    f"Ia release of the {x} relative to untreated",
                    ONE,
                    f"1 - release_block * effect_{x}_reflex",
                )
                for x in _LIMBS
            ),
        ),
    )
    for site, where in _SITES.items():
        part += _site(site, where)
    return part + _shared()


_SITES = {"leg": "tone of the leg", "arm": "tone of the arm", "leg_reflex": "reflex of the leg"}
_SITES |= {"arm_reflex": "reflex of the arm", "brain": "brain"}
_TAKEN = {
    "leg": "(hyperpolarisation + drive_share * bias_leg) * effect_leg",
    "arm": "(hyperpolarisation + drive_share * bias_arm) * (effect_arm + leg_to_arm * effect_leg)",
}


def _shared() -> Equations:
    """Return the numbers of the receptor that every site shares."""
    own = parameters.load("receptor")
    return Equations(constants=tuple(from_record(own[name]) for name in _SHARED))


def _site(site: str, where: str) -> Equations:
    """Return sensitivity, occupancy, effect and the adaptations of one site."""
    is_terminal = site.endswith("reflex")
    shifts = {"fast": "fast_shift", "slow": "slow_shift * terminal_tolerance" if is_terminal else "slow_shift"}
    shifts |= {} if is_terminal else {"acute": "acute_shift"}
    left = " * ".join(f"(1 + {shift} * {speed}_adaptation_{site})" for speed, shift in shifts.items())
    occupied, odds = f"occupancy_{site}", "opposition_potency^hill"
    driven = {
        "acute": occupied,
        "fast": occupied,
        "slow": f"opposed_adaptation_{site}",
        "opposed": f"{odds} * {occupied} / (1 - (1 - {odds}) * {occupied})",
    }
    behind = {name: f"({drive} - {name}_adaptation_{site})" for name, drive in driven.items()}
    # The two halves are written without a condition: solvers look for the moment at which a condition turns.
    rates = {name: f"{behind[name]} / {name}_time" for name in ("acute", "fast")}
    for name, going in (("slow", "recovery"), ("opposed", "withdrawal")):
        rise, fall = (f"({behind[name]} {sign} abs({behind[name]})) / 2" for sign in "+-")
        rates[name] = f"{rise} / opposition_time + {fall} / {going}_time"
    return Equations(
        rules=(
            Rule(f"sensitivity_{site}", f"Potency left, {where}", ONE, f"1 / ({left})"),
            Rule(
                f"occupancy_{site}",
                f"Occupancy, {where}",
                ONE,
                f"1 / (1 + (sensitivity_{site} * level_{site} / ec50)^(-hill))",
            ),
            Rule(
                f"effect_{site}",
                f"Effect net of what has risen against it, {where}",
                ONE,
                f"occupancy_{site} - opposition * opposed_adaptation_{site}",
            ),
        ),
        rates=tuple(
            Rate(
                f"{name}_adaptation_{site}",
                f"{name.capitalize()} adaptation, {where}",
                ONE,
                rate,
            )
            for name, rate in rates.items()
        ),
    )


def tablet_hazards() -> Equations:
    """Return the cumulative risk of each reaction to tablets, those that placebo brings among them."""
    own = parameters.load("adverse")
    names = ("drowsiness_oral", "drowsiness_oral_placebo", "placebo_share_oral", "habituation_residual")
    days = ("habituation_time", "oral_duration")
    part = _reference("reference_exposure_oral") + Equations(
        constants=(
            *(from_record(own[x]) for x in names),
            *(from_record(own[x], HOUR) for x in days),
            Constant("used_to_slack", "Error of a solver between two levels that rise together", 1e-6, LEVEL),
            Constant("no_rise", "No rise of the highest level", 0.0, "ng/mL/h"),
        ),
        rules=(
            Rule("used_to_rise", "Rate at which the brain gets used to tablets", "ng/mL/h", _RISE),
            Rule("met", "What hazards follow: the highest level used to, and a residual", LEVEL, _MET),
            Rule("reported", "Course of habituation so far", ONE, _course("time")),
            Rule("reported_in_trials", "Course of habituation over the label's trials", ONE, _course("oral_duration")),
        ),
        rates=(
            Rate("used_to", "Level of tablets that the brain is used to", LEVEL, "used_to_rise"),
            Rate("highest_used_to", "Highest level that the brain was ever used to", LEVEL, _HIGHEST),
            Rate("tablets_met", "Exposure to tablets so far, by time of habituation", LEVEL, _EXPOSED),
        ),
    )
    for reaction in adverse.ORAL_REACTIONS:
        share, placebo = f"{reaction}_oral", f"{reaction}_oral_placebo"
        without = placebo if placebo in own else f"placebo_share_oral * {share}"
        hazard = _hazard(f"(1 - {share}) / (1 - {without})", "reference_exposure_oral")
        so_far = f"hazard_{reaction} * met - ln(1 - {without}) * reported / reported_in_trials"
        part += _share(share) + Equations(
            rules=(
                *_risk(reaction, hazard, "mL/ng"),
                Rule(f"cumulative_hazard_{reaction}", f"Cumulative hazard of {_said(reaction)}", ONE, so_far),
            )
        )
    return part


# The two levels rise together, so they differ by no more than the solver's error: the slack is far above it.
_RISE = "(brain - used_to) / habituation_time"
_HIGHEST = "piecewise((used_to_rise + abs(used_to_rise)) / 2, used_to >= highest_used_to - used_to_slack, no_rise)"
_EXPOSED = "brain / habituation_time"
_MET = "highest_used_to + habituation_residual * tablets_met"


def _course(time: str) -> str:
    return f"1 - exp(-{time} / habituation_time) + habituation_residual * {time} / habituation_time"


def fluid_hazards(*, pump: bool, origin: adverse.Origin = "cerebral") -> Equations:
    """Return the cumulative risk of each reaction to a test bolus, or to a pump (titration, then maintenance)."""
    phases: tuple[adverse.Stage, ...] = ("titration", "maintenance") if pump else ("screening",)
    own = parameters.load("adverse")
    level = "sensitivity_brain * fast_brain"
    part = Equations(rules=(Rule("brain_from_fluid", "Effective level at the brain from the fluid", LEVEL, level),))
    for phase in phases:
        length = from_record(own[f"{phase}_duration"], HOUR)
        part += Equations(constants=(length,)) + _reference(f"reference_exposure_{phase}_{origin}")
    for reaction in adverse.INTRATHECAL_REACTIONS:
        shares = [adverse.row_of(reaction, phase, origin) for phase in phases]
        hazards = [
            f"{_hazard(f'(1 - {share})', f'reference_exposure_{phase}_{origin}')} / {phase}_duration"
            for share, phase in zip(shares, phases, strict=True)
        ]
        for share in shares:
            part += _share(share)
        hazard = f"piecewise({hazards[0]}, time <= titration_duration, {hazards[1]})" if pump else hazards[0]
        rate = f"hazard_{reaction} * brain_from_fluid"
        part += Equations(
            rules=_risk(reaction, hazard, "mL/ng/h"),
            rates=(Rate(f"cumulative_hazard_{reaction}", f"Cumulative hazard of {_said(reaction)}", ONE, rate),),
        )
    return part


def _reference(name: str) -> Equations:
    """Return mean and coefficient of variation of an exposure by which hazards are measured."""
    record = parameters.load("adverse")[name]
    varies = Constant(f"cv_{name}", f"{record.label}: coefficient of variation", record.spread.cv or 0.0, ONE)
    return Equations(constants=(from_record(record), varies))


def _share(name: str) -> Equations:
    return Equations(constants=(from_record(parameters.load("adverse")[name]),))


def _hazard(spared: str, reference: str) -> str:
    """Return the hazard that leaves the share `spared` of people whose exposure is that of a reference."""
    return f"(({spared})^(-cv_{reference}^2) - 1) / cv_{reference}^2 / {reference}"


def _said(reaction: str) -> str:
    return reaction.replace("_", " ")


def _risk(reaction: str, hazard: str, unit: str) -> tuple[Rule, ...]:
    words = _said(reaction)
    return (
        Rule(f"hazard_{reaction}", f"Hazard of {words} per exposure of the brain", unit, hazard),
        Rule(f"risk_{reaction}", f"Risk of {words} so far", ONE, f"1 - exp(-cumulative_hazard_{reaction})"),
    )
