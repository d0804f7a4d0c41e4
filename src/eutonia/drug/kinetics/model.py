"""Kinetics of a cohort: what a dose becomes in the fluid, in the blood and at the sites where it works."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from eutonia import _streams
from eutonia._arguments import NUMBERS, PEOPLE, TEXT, WHOLE, accepts
from eutonia._compiled import compiled
from eutonia.drug.kinetics.cascade import Gains, Propagator, Scalar, Value, propagator, propagators
from eutonia.drug.kinetics.geometry import vertebra_of
from eutonia.drug.kinetics.intrathecal import SOURCE, UG_TO_NG, Intrathecal
from eutonia.drug.kinetics.oral import NG_TO_MG, SPINAL, TISSUE, Blood, Dialysis
from eutonia.drug.kinetics.state import Balance, Exposure, KineticState, Levels, Patients
from eutonia.drug.kinetics.values import ADULT, N_DRAWS, Draws, IntrathecalValues, OralValues

Amount = float | int | Float[Array, ""] | Patients


class StepPlan(eqx.Module):
    """Transitions of a cohort over one length of step, or over several: computed once, applied many times.

    `shear` is the nu of `Blood.shear`, which turns two compartments into a cascade; `spinal_shear` that of fluid and
    tissue.
    """

    spinal: Propagator
    blood: Propagator
    shear: Float[Array, "*length patient"]
    spinal_shear: Float[Array, "*length mode patient"] | None = None


class Kinetics(eqx.Module):
    """Linear kinetics of baclofen in a cohort, by pump, lumbar puncture and mouth, stepped exactly.

    A frozen pytree whose leaves have the patient as last axis, made by `draw` or `typical`.
    Any step length is exact as long as the infusion is constant within the step and boluses and tablets fall between
    steps; the step length therefore never changes a result.

    Equation
        See `Intrathecal` and `Blood`.
    Assumptions
        Linear: no saturable uptake or removal. The two routes meet only at the receptor.
    """

    spinal: Intrathecal
    blood: Blood

    @classmethod
    @accepts(n=WHOLE, weight_kg=NUMBERS, creatinine_clearance=NUMBERS.or_none(), oral_set=TEXT, tip=TEXT)
    def typical(
        cls,
        n: int = 1,
        *,
        weight_kg: Amount = 70.0,
        creatinine_clearance: Amount | None = None,
        oral_set: str = ADULT,
        tip: str = "T10",
        intrathecal: IntrathecalValues | None = None,
        oral: OralValues | None = None,
    ) -> Kinetics:
        """Return n copies of the median person. Arguments as for `draw`; kidneys are those of the oral set if None."""
        draws = jnp.zeros((N_DRAWS, n))
        return cls.from_draws(
            draws,
            weight_kg=weight_kg,
            creatinine_clearance=creatinine_clearance,
            oral_set=oral_set,
            tip=tip,
            intrathecal=intrathecal,
            oral=oral,
        )

    @classmethod
    @accepts(seed=WHOLE, person=PEOPLE, weight_kg=NUMBERS, creatinine_clearance=NUMBERS, oral_set=TEXT, tip=TEXT)
    def draw(
        cls,
        seed: int,
        person: Int[Array, " patient"],
        *,
        weight_kg: Amount,
        creatinine_clearance: Amount,
        oral_set: str = ADULT,
        tip: str = "T10",
        intrathecal: IntrathecalValues | None = None,
        oral: OralValues | None = None,
    ) -> Kinetics:
        """Return the kinetics of people drawn from the spreads of the records; a person is the same in every cohort.

        Parameters
        ----------
        seed, person
            Seed of the study and numbers of the people.
        weight_kg, creatinine_clearance
            Body weight, kg (used by sets per kg of body weight), and creatinine clearance, mL/min.
        oral_set
            Name of the parameter set of the oral model.
        tip
            Vertebral level of the catheter's tip, C1 to S2.
        intrathecal, oral
            Values instead of those of the records.
        """
        draws = _streams.normal(_streams.keys(seed, _streams.Purpose.KINETICS, person), N_DRAWS)
        return cls.from_draws(
            draws,
            weight_kg=weight_kg,
            creatinine_clearance=creatinine_clearance,
            oral_set=oral_set,
            tip=tip,
            intrathecal=intrathecal,
            oral=oral,
        )

    @classmethod
    def from_draws(
        cls,
        draws: Draws,
        *,
        weight_kg: Amount,
        creatinine_clearance: Amount | None,
        oral_set: str = ADULT,
        tip: str = "T10",
        intrathecal: IntrathecalValues | None = None,
        oral: OralValues | None = None,
    ) -> Kinetics:
        """Return the kinetics of people with these standard normal draws. Other arguments as for `draw`."""
        fluid = intrathecal or IntrathecalValues.from_records()
        mouth = oral or OralValues.from_records(oral_set)
        each = jnp.ones_like(draws[0])
        kidneys = None if creatinine_clearance is None else creatinine_clearance * each
        spinal = fluid.people(draws, tip)
        blood = mouth.people(draws, weight_kg * each, kidneys, spinal, fluid.csf_plasma_ratio)
        return cls(spinal=spinal, blood=blood)

    @property
    def n_patients(self) -> int:
        """Number of patients."""
        return int(self.blood.central_volume.shape[-1])

    def initial_state(self) -> KineticState:
        """Return the state of people without drug."""
        none = jnp.zeros_like(self.blood.central_volume)
        modes = jnp.zeros((len(self.spinal.geometry.volume), *none.shape), none.dtype)
        return KineticState(
            csf=modes,
            fast=modes,
            slow=modes,
            gut=tuple(none for _ in self.blood.gut_rates),
            central=none,
            peripheral=None if self.blood.to_peripheral is None else none,
            eliminated=none,
            csf_blood=none,
            fast_blood=none,
            slow_blood=none,
            tissue=None if self.spinal.uptake_rate is None else modes,
        )

    @compiled
    def step_plan(self, dt_h: Scalar) -> StepPlan:
        """Return the transitions over a step of `dt_h` hours, which may be traced and of any length."""
        return self._plan(lambda rates, gains: propagator(rates, gains, dt_h))

    def step_plans(self, dt_h: Scalar, times: Sequence[int]) -> StepPlan:
        """Return the transitions over a step of `dt_h` hours and over longer ones, each so many `times` the one before,
        as the first axis: for less than each by itself.
        """
        plan = self._plan(lambda rates, gains: propagators(rates, gains, dt_h, times))
        shears = plan.shear, plan.spinal_shear
        each = jax.tree.map(lambda one: jnp.stack([one] * (1 + len(times))), shears)
        return StepPlan(plan.spinal, plan.blood, *each)

    def _plan(self, over: Callable[[Sequence[Value], Gains], Propagator]) -> StepPlan:
        spinal, blood = self.spinal.cascade(), self.blood.cascade(self.spinal.weights("catheter")[0])
        turned = self.spinal.shear()
        return StepPlan(over(*spinal), over(*blood), self.blood.shear()[2], None if turned is None else turned[2])

    def advance(self, state: KineticState, plan: StepPlan, infusion_ug_per_h: Amount = 0.0) -> KineticState:
        """Return the state one step later, under an infusion constant over the step (0: none, or a dry pump)."""
        rate = jnp.asarray(infusion_ug_per_h, state.csf.dtype)
        sites = (state.fast, state.slow)
        fluid, around, quick, late = self.spinal.advance(
            plan.spinal, plan.spinal_shear, rate, state.csf, state.tissue, sites
        )

        central, peripheral, eliminated, csf, fast, slow = self.blood.stages
        held: dict[int, Value] = {SOURCE: rate, SPINAL: state.csf[0]}
        if state.tissue is not None and plan.spinal_shear is not None:
            held |= {SPINAL: state.csf[0] - plan.spinal_shear[0] * state.tissue[0], TISSUE: state.tissue[0]}
        first = self.blood.gut
        held |= {first + i: amount for i, amount in enumerate(state.gut)}
        held[central] = state.central
        if peripheral is not None and state.peripheral is not None:
            held[central] = state.central - plan.shear * state.peripheral
            held[peripheral] = state.peripheral
        held |= {eliminated: state.eliminated, csf: state.csf_blood, fast: state.fast_blood, slow: state.slow_blood}
        blood = {stage: plan.blood.into(stage, held) for stage in held if stage >= first}
        tissue = None if peripheral is None else blood[peripheral]
        return KineticState(
            csf=fluid,
            fast=quick,
            slow=late,
            gut=tuple(blood[first + i] for i in range(len(state.gut))),
            central=blood[central] if tissue is None else blood[central] + plan.shear * tissue,
            peripheral=tissue,
            eliminated=blood[eliminated],
            csf_blood=blood[csf],
            fast_blood=blood[fast],
            slow_blood=blood[slow],
            tissue=around,
        )

    def bolus(
        self,
        state: KineticState,
        amount_ug: Amount,
        access: str = "lumbar puncture",
        volume_ml: float | None = None,
    ) -> KineticState:
        """Return the state right after a bolus into the spinal fluid, ug (0 for those who get none).

        `volume_ml`, if given, spreads it: see `Intrathecal.weights`.
        """
        given = self.spinal.weights(access, volume_ml) * jnp.asarray(amount_ug, state.csf.dtype)
        return dataclasses.replace(state, csf=state.csf + given)

    def tablet(self, state: KineticState, amount_mg: Amount) -> KineticState:
        """Return the state right after a dose by mouth, mg (0 for those who take none)."""
        first, *later = state.gut
        absorbed = self.blood.bioavailability * jnp.asarray(amount_mg, first.dtype)
        return dataclasses.replace(state, gut=(first + absorbed, *later))

    def exposure(self, state: KineticState) -> Exposure:
        """Return what the drug does its work with, by the route it came."""
        csf, fast, slow = (jnp.maximum(x, 0.0) for x in (state.csf_blood, state.fast_blood, state.slow_blood))
        return Exposure(
            plasma=self.blood.plasma(jnp.maximum(state.central, 0.0)),
            spinal=self.spinal.levels(state.csf, state.fast, state.slow),
            blood=Levels(csf, csf, csf, csf, fast, fast, fast, slow, slow),
        )

    def steady_state(self, infusion_ug_per_h: Amount = 0.0, tablets_mg_per_h: Amount = 0.0) -> KineticState:
        """Return the state that a constant infusion and an even intake of tablets end in; eliminated counts from 0.

        For tablets this is the average over an interval, not the trough or the peak.
        """
        blood = self.blood
        modes = self.spinal.steady(jnp.asarray(infusion_ug_per_h))
        swallowed = blood.bioavailability * tablets_mg_per_h
        entering = swallowed + blood.csf_rate * blood.csf_volume * NG_TO_MG * modes[0]
        central = entering / blood.elimination_rate
        cord = blood.csf_ratio * blood.plasma(central)
        tissue = None
        if blood.to_peripheral is not None and blood.from_peripheral is not None:
            tissue = central * blood.to_peripheral / blood.from_peripheral
        return KineticState(
            csf=modes,
            fast=modes,
            slow=modes,
            gut=tuple(swallowed / rate for rate in blood.gut_rates),
            central=central,
            peripheral=tissue,
            eliminated=jnp.zeros_like(central),
            csf_blood=cord,
            fast_blood=cord,
            slow_blood=cord,
            tissue=self.spinal.around(modes),
        )

    def balance(self, state: KineticState) -> Balance:
        """Return where the drug is; the sum is what was given (of tablets, the share that is absorbed)."""
        body = state.central if state.peripheral is None else state.central + state.peripheral
        volume = self.spinal.geometry.total_volume
        return Balance(
            csf_ug=state.csf[0] * volume / UG_TO_NG,
            tissue_ug=0.0 if state.tissue is None else state.tissue[0] * volume / UG_TO_NG,
            gut_mg=sum(state.gut[1:], start=state.gut[0]),
            body_mg=body,
            eliminated_mg=state.eliminated,
        )

    def with_creatinine_clearance(self, creatinine_clearance: Amount) -> Kinetics:
        """Return the same people with other kidneys (mL/min); their state stays valid, plans must be made anew.

        Of no effect in a set per kg of body weight, which has no kidney model.
        """
        kidneys = creatinine_clearance * jnp.ones_like(self.blood.central_volume)
        blood = dataclasses.replace(self.blood, creatinine_clearance=kidneys)
        return dataclasses.replace(self, blood=blood)

    def on_dialysis(self, dialysis: Dialysis) -> Kinetics:
        """Return the same people while a session of haemodialysis runs; plans must be made anew at its ends.

        What the machine takes counts as eliminated.
        """
        return dataclasses.replace(self, blood=self.blood.on_dialysis(dialysis))

    def with_tip(self, tip: str) -> Kinetics:
        """Return the same people with the catheter's tip at another vertebral level; plans must be made anew."""
        there = jnp.full_like(self.spinal.tip, vertebra_of(tip))
        return dataclasses.replace(self, spinal=dataclasses.replace(self.spinal, tip=there))
