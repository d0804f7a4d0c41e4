"""Exported models in another program (libroadrunner: CVODE on the SBML alone) against the package's own kinetics."""

from __future__ import annotations

import functools
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from drug_examples import adapt, advanced

from eutonia import parameters
from eutonia.drug.effect import adverse, gaba_b
from eutonia.drug.effect.exposed import Exposed, Habits, meet
from eutonia.drug.kinetics import Kinetics, KineticState
from eutonia.exchange import Dosing, export

roadrunner = pytest.importorskip("roadrunner", reason="libroadrunner has no wheel here")
pytestmark = pytest.mark.oracles

END_H, STEP_H = 48.0, 0.5
TIMES = np.arange(0.0, END_H + STEP_H, STEP_H)
ORAL_SETS = ("oral_adult_default", "oral_chevillard_2018", "oral_he_2014", "oral_simon_2018", "oral_wuis_1985")
TOLERANCE = 1e-6
# An error of CVODE that is absolute is no error of the model: levels below this share of the peak are not compared.
NOTHING = 1e-9


def in_roadrunner(
    text: str, names: tuple[str, ...], change: Callable[[object], None] = lambda _: None, times: np.ndarray = TIMES
) -> np.ndarray:
    """Return the named quantities at `times`, right after the dose of that moment."""
    runner = roadrunner.RoadRunner(text)
    runner.integrator.relative_tolerance = 1e-11
    runner.integrator.absolute_tolerance = 1e-14
    runner.integrator.maximum_num_steps = 1_000_000
    runner.timeCourseSelections = list(names)
    change(runner)
    return np.asarray(runner.simulate(times[0], times[-1], len(times)))


def agree(found: np.ndarray, wanted: np.ndarray, names: tuple[str, ...]) -> None:
    for name, mine, theirs in zip(names, wanted.T, found.T, strict=True):
        peak = np.abs(mine).max()
        assert peak > 0.0, name
        seen = np.abs(mine) > NOTHING * peak
        assert seen.sum() > len(TIMES) // 2, name
        # What passes through nothing, as an effect does that turns into its rebound, is held against its peak there.
        size = np.maximum(np.abs(mine), 1e-2 * peak) if mine.min() < 0.0 < mine.max() else np.abs(mine)
        error = (np.abs(theirs - mine)[seen] / size[seen]).max()
        assert error < TOLERANCE, f"{name}: {error:.1e}"


# --- kinetics ---------------------------------------------------------------------------------------------------

BLOOD = ("plasma", "csf_from_blood", "fast_from_blood", "slow_from_blood", "drug_eliminated")


@pytest.mark.parametrize("every_h", [None, 8.0], ids=["one tablet", "three a day"])
@pytest.mark.parametrize("oral_set", ORAL_SETS)
def test_tablets(oral_set: str, every_h: float | None) -> None:
    weight = parameters.load(oral_set).value("example_weight", "kg") if oral_set == "oral_he_2014" else 70.0
    kinetics = Kinetics.typical(oral_set=oral_set, weight_kg=weight)
    plan, state, rows = kinetics.step_plan(jnp.asarray(STEP_H)), kinetics.initial_state(), []
    for i, time_h in enumerate(TIMES):
        state = advanced(kinetics, state, plan) if i else state
        if time_h == 0.0 or (every_h and time_h % every_h == 0.0):
            state = kinetics.tablet(state, 10.0)
        blood = state.csf_blood, state.fast_blood, state.slow_blood, state.eliminated
        rows.append([float(x[0]) for x in (kinetics.blood.plasma(state.central), *blood)])
    given = Dosing(dose="10 mg", every=None if every_h is None else f"{every_h} hour")
    agree(in_roadrunner(export(oral_set, given), BLOOD), np.asarray(rows), BLOOD)


@pytest.mark.parametrize("kidneys", [20.0, 65.0])
def test_kidneys_are_changed_in_the_exported_model(kidneys: float) -> None:
    kinetics = Kinetics.typical(creatinine_clearance=kidneys)
    plan, state, rows = kinetics.step_plan(jnp.asarray(STEP_H)), kinetics.tablet(kinetics.initial_state(), 10.0), []
    for i, _ in enumerate(TIMES):
        state = advanced(kinetics, state, plan) if i else state
        rows.append([float(kinetics.blood.plasma(state.central)[0]), float(state.eliminated[0])])

    def change(runner: object) -> None:
        runner["creatinine_clearance"] = kidneys

    names = ("plasma", "drug_eliminated")
    agree(in_roadrunner(export("oral_adult_default", Dosing(dose="10 mg")), names, change), np.asarray(rows), names)


# --- the spinal fluid, and the effect of both routes: one program of the package for all -------------------------

LEVELS = ("csf_lumbar", "level_conus", "level_cervical", "level_cisternal", "plasma", "drug_eliminated")
SITES = ("fast_leg", "fast_arm", "fast_brain", "slow_leg", "slow_arm")
ADAPTED = tuple(
    f"{name}_adaptation_{site}"
    for name, site in (
        ("acute", "leg"),
        ("fast", "leg_reflex"),
        ("slow", "arm"),
        ("slow", "arm_reflex"),
        ("opposed", "leg"),
    )
)
EFFECTS = (
    "sensitivity_leg", "sensitivity_arm", "effect_leg", "hyperpolarisation_leg", "hyperpolarisation_arm",
    "release_leg", "release_arm", *ADAPTED, "brain",
)  # fmt: skip


@functools.cache
def anna(tip: str = "T10") -> tuple[Kinetics, gaba_b.Receptor]:
    """The typical person, as arrays of one, with the catheter's tip at a level."""
    receptor = jax.tree.map(lambda x: jnp.reshape(x, (1,)), gaba_b.Receptor.typical())
    return Kinetics.typical(tip=tip), receptor


@eqx.filter_jit
def course(
    person: tuple[Kinetics, gaba_b.Receptor],
    start: KineticState,
    rate: jax.Array,
    doses: tuple[jax.Array, ...],
    steps: jax.Array,
) -> dict[str, jax.Array]:
    """Return the quantities at TIMES; doses by mouth, puncture and catheter at each of them, `steps` steps between."""
    kinetics, receptor = person
    step = STEP_H / steps
    plan = kinetics.step_plan(step)

    def read(state: KineticState) -> jax.Array:
        return gaba_b.at_sites(kinetics.exposure(state).levels(receptor.blood_potency), receptor)

    def small(_: int, now: tuple) -> tuple:
        state, adapted = now
        later = kinetics.advance(state, plan, rate)
        return later, adapt(adapted, read(state), read(later), receptor, step)

    def seen(state: KineticState, adapted: gaba_b.Adaptation) -> dict[str, jax.Array]:
        exposure = kinetics.exposure(state)
        levels, sensitivity = exposure.levels(receptor.blood_potency), gaba_b.sensitivity(adapted, receptor)
        effect = gaba_b.effect(read(state), adapted, receptor)
        bias = gaba_b.hyperpolarisation(effect[gaba_b.TONE], jnp.zeros((2, 1)), receptor)
        release = gaba_b.release(effect[gaba_b.REFLEX], receptor)
        fluid = exposure.spinal
        return {
            "csf_lumbar": fluid.csf_lumbar[0], "level_conus": fluid.csf_leg[0], "level_cervical": fluid.csf_arm[0],
            "level_cisternal": fluid.csf_brain[0], "plasma": exposure.plasma[0],
            "drug_eliminated": 1000.0 * state.eliminated[0],
            **{name: getattr(fluid, name)[0] for name in SITES},
            "sensitivity_leg": sensitivity[0, 0], "sensitivity_arm": sensitivity[1, 0], "effect_leg": effect[0, 0],
            "hyperpolarisation_leg": bias[0, 0], "hyperpolarisation_arm": bias[1, 0],
            "release_leg": release[0, 0], "release_arm": release[1, 0],
            **dict(zip(ADAPTED, (adapted.acute[0, 0], adapted.fast[2, 0], adapted.slow[1, 0], adapted.slow[3, 0],
                                 adapted.opposed[0, 0]), strict=True)),
            "brain": levels.fast_brain[0] * sensitivity[gaba_b.BRAIN, 0],
        }  # fmt: skip

    def half_hour(now: tuple, given: tuple[jax.Array, ...]) -> tuple:
        state, adapted = now
        state = kinetics.bolus(kinetics.tablet(state, given[0]), given[1])
        state = kinetics.bolus(state, given[2], "catheter")
        shown = seen(state, adapted)
        return jax.lax.fori_loop(0, steps, small, (state, adapted)), shown

    return jax.lax.scan(half_hour, (start, gaba_b.Adaptation.naive(1)), doses)[1]


def in_package(
    rate: float = 0.0,
    tablet_mg: float = 0.0,
    puncture_ug: float = 0.0,
    catheter_ug: float = 0.0,
    every_h: float | None = None,
    tip: str = "T10",
) -> dict:
    """Return the package's course; adaptation, which it steps by Heun's rule, is extrapolated to a step of zero."""
    given = (TIMES == 0.0) if every_h is None else (TIMES % every_h == 0.0)
    doses = tuple(jnp.asarray(amount * given) for amount in (tablet_mg, puncture_ug, catheter_ug))
    person = anna(tip)
    start = person[0].initial_state()
    coarse, fine = (course(person, start, jnp.asarray(rate), doses, jnp.asarray(steps)) for steps in (96, 192))
    return {name: np.asarray((4.0 * fine[name] - coarse[name]) / 3.0) for name in fine}


def columns(wanted: dict, names: tuple[str, ...]) -> np.ndarray:
    return np.stack([wanted[name] for name in names], axis=1)


FLUID = {
    "test bolus": (Dosing(dose="50 ug"), {"puncture_ug": 50.0}),
    "boluses by the day": (Dosing(dose="50 ug", every="24 hour"), {"puncture_ug": 50.0, "every_h": 24.0}),
    "pump": (Dosing(infusion="240 ug/day"), {"rate": 10.0}),
    "boluses by catheter": (
        Dosing(dose="20 ug", every="6 hour", access="catheter"),
        {"catheter_ug": 20.0, "every_h": 6.0},
    ),
    "pump high up": (Dosing(infusion="240 ug/day", tip="C5"), {"rate": 10.0, "tip": "C5"}),
    "pump and bolus": (Dosing(dose="25 ug", infusion="120 ug/day"), {"puncture_ug": 25.0, "rate": 5.0}),
}


@pytest.mark.parametrize("case", FLUID)
def test_spinal_fluid_in_segments(case: str) -> None:
    given, same = FLUID[case]
    names = (*LEVELS, *SITES)
    agree(in_roadrunner(export("intrathecal", given), names), columns(in_package(**same), names), names)


@pytest.mark.parametrize("case", ["test bolus", "boluses by the day", "pump"])
def test_effect_of_drug_in_the_fluid(case: str) -> None:
    given, same = FLUID[case]
    agree(in_roadrunner(export("effect_intrathecal", given), EFFECTS), columns(in_package(**same), EFFECTS), EFFECTS)


@pytest.mark.parametrize("every_h", [None, 8.0], ids=["one tablet", "three a day"])
def test_effect_of_tablets(every_h: float | None) -> None:
    given = Dosing(dose="80 mg", every=None if every_h is None else f"{every_h} hour")
    wanted = columns(in_package(tablet_mg=80.0, every_h=every_h), EFFECTS)
    agree(in_roadrunner(export("effect_oral", given), EFFECTS), wanted, EFFECTS)


def test_receptors_at_a_held_level() -> None:
    _, receptor = anna()
    level = jnp.broadcast_to(receptor.ec50, (gaba_b.N_SITES, 1))
    names = ("sensitivity_site", "effect_site", *(f"{x}_adaptation_site" for x in ("acute", "fast", "slow", "opposed")))

    @eqx.filter_jit
    def held(steps: jax.Array) -> tuple:
        def small(_: int, now: gaba_b.Adaptation) -> gaba_b.Adaptation:
            return adapt(now, level, level, receptor, STEP_H / steps)

        def half_hour(now: gaba_b.Adaptation, _: None) -> tuple:
            sensed, effect = gaba_b.sensitivity(now, receptor), gaba_b.effect(level, now, receptor)
            states = (sensed, effect, now.acute, now.fast, now.slow, now.opposed)
            shown = jnp.stack([one[0, 0] for one in states])
            return jax.lax.fori_loop(0, steps, small, now), shown

        return jax.lax.scan(half_hour, gaba_b.Adaptation.naive(1), None, length=len(TIMES))[1]

    wanted = (4.0 * held(jnp.asarray(8)) - held(jnp.asarray(4))) / 3.0
    agree(in_roadrunner(export("receptor"), names), np.asarray(wanted), names)


# --- adverse effects --------------------------------------------------------------------------------------------


MINUTES = np.linspace(0.0, END_H, 48 * 60 + 1)


def risks(route: str, brain: np.ndarray, reactions: tuple[str, ...]) -> np.ndarray:
    """Return the package's risk at the end; its trapezoids are extrapolated to a step of zero."""
    hazards = adverse.Hazards.of("cerebral", oral=route == "oral", intrathecal=route != "oral")
    fine, coarse = (hazards.cumulative(hazards.met(met(route, brain[::n], n / 60.0), END_H))[:, 0] for n in (1, 2))
    risk = -np.expm1(-(4.0 * fine - coarse) / 3.0)
    return np.array([risk[adverse.REACTIONS.index(reaction)] for reaction in reactions])


def met(route: str, brain: np.ndarray, step_h: float) -> Exposed:
    """Return what a brain has met at the end of a course that is known at equal steps."""
    habits, none = Habits.from_records(), jnp.zeros(1)
    rate = jnp.full(1, 1.0 if route == "intrathecal" else 0.0)

    def step(now: Exposed, ends: jax.Array) -> tuple[Exposed, None]:
        moved, still = (ends[0][None], ends[1][None]), (none, none)
        fluid, tablets = (still, moved) if route == "oral" else (moved, still)
        return meet(now, fluid, tablets, rate, habits, step_h), None

    return jax.lax.scan(step, Exposed.none(1), jnp.stack([brain[:-1], brain[1:]], axis=1))[0]


@pytest.mark.parametrize(
    ("model", "route", "given", "reactions"),
    [
        ("effect_oral", "oral", Dosing(dose="20 mg", every="48 hour"), adverse.ORAL_REACTIONS),
        ("effect_oral", "oral", Dosing(dose="20 mg", every="8 hour"), adverse.ORAL_REACTIONS),
        ("effect_intrathecal", "intrathecal bolus", Dosing(dose="50 ug"), adverse.INTRATHECAL_REACTIONS),
        ("effect_intrathecal", "intrathecal", Dosing(infusion="240 ug/day"), adverse.INTRATHECAL_REACTIONS),
    ],
)
def test_risk_of_reactions(model: str, route: str, given: Dosing, reactions: tuple[str, ...]) -> None:
    names = ("brain" if route == "oral" else "brain_from_fluid", *(f"risk_{reaction}" for reaction in reactions))
    found = in_roadrunner(export(model, given), names, times=MINUTES)
    # The exposure is compared elsewhere; here the risk that the package makes of the same exposure.
    assert found[-1, 1:] == pytest.approx(risks(route, found[:, 0], reactions), rel=TOLERANCE)


def test_phase_of_treatment_changes_the_hazard() -> None:
    runner = roadrunner.RoadRunner(export("effect_intrathecal", Dosing(infusion="240 ug/day")))
    runner.timeCourseSelections = ["time", "hazard_drowsiness"]
    found = np.asarray(runner.simulate(0.0, 61 * 24.0, 62))
    for stage, row in (("titration", 59), ("maintenance", 61)):
        wanted = adverse.hazard_per_exposure("drowsiness", stage, "cerebral")
        assert found[row, 1] == pytest.approx(wanted, rel=1e-9)
