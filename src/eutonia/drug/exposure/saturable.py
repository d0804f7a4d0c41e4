"""Saturable absorption: the one model that is not linear, by a solver between events.

    G' = -VMAX G / (KM + G) + u_0;  A_1' = VMAX G / (KM + G) - (k_10 + k_12 + k_13) A_1 + ...

The depot does not feel the rest, and the rest is linear in what leaves the depot: a steady state is the periodic depot,
found by passing intervals until it repeats, and then one linear system for the compartments.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eutonia._progress import Progress
from eutonia.drug.exposure.records import Floats, Records
from eutonia.drug.exposure.steps import Courses, Periodic
from eutonia.drug.exposure.structure import Structure
from eutonia.drug.exposure.timeline import steps_of
from eutonia.errors import SimulationError

# Tolerances of the solver and of a repeating depot: numerical constants.
_RELATIVE, _ABSOLUTE, _REPEATS = 1e-10, 1e-12, 1e-11
_MOST_INTERVALS = 5_000


def simulate(
    structure: Structure, records: Records, values: Mapping[str, Floats], progress: Progress
) -> tuple[Floats, dict[int, str]]:
    """Return the amounts at each observation, and why a person has none: see `engine.simulate`."""
    n_inputs = len(structure.inputs)
    found = np.full((len(records), n_inputs + 1), np.nan)
    failed: dict[int, str] = {}
    spans = records.spans()
    linear = _matrices(structure, values)
    for person, (first, end) in enumerate(spans):
        steps = steps_of(records, first, end, n_inputs)
        try:
            _person(steps, linear, values, found)
        except SimulationError as reason:
            found[first:end], failed[person] = np.nan, str(reason)
        progress("Exposure", (person + 1) / len(spans))
    return found, failed


def _matrices(structure: Structure, values: Mapping[str, Floats]) -> Floats:
    """Return the linear part at each record: compartments and what is eliminated; rows gain, columns lose."""
    rates = structure.rates(values, structure.clearance(values), structure.volume(values))
    n = structure.compartments + 1
    found = np.zeros((len(values["CL"]), n, n))
    for source, target, rate in rates.flows():
        found[:, source, source] -= rate
        found[:, target, source] += rate
    return found


def _person(steps: Courses, linear: Floats, values: Mapping[str, Floats], found: Floats) -> None:
    state, emptied = np.zeros(linear.shape[1] + 1), set(steps.emptied.tolist())
    for i, (row, hours) in enumerate(zip(steps.rows.tolist(), steps.hours.tolist(), strict=True)):
        flow = _Flow(linear[row], float(values["VMAX"][row]), float(values["KM"][row]))
        state = flow.passed(state, hours, steps.rates[steps.infusing[i]])
        if i in emptied:
            state = np.zeros_like(state)
        if i in steps.steady:
            state = state + flow.for_ever(steps.steady[i])
        np.add.at(state, steps.into[steps.dosed == i], steps.amounts[steps.dosed == i])
        found[steps.observed[steps.seen == i]] = state


class _Flow:
    """One person's rates while they do not change. A state is the depot, the compartments, what is eliminated."""

    def __init__(self, linear: Floats, vmax: float, km: float) -> None:
        self.linear, self.vmax, self.km = linear, vmax, km

    def passed(self, state: Floats, hours: float, infused: Floats) -> Floats:
        """Return the state some hours later under constant infusions."""
        if hours == 0.0:
            return state.copy()
        from scipy.integrate import solve_ivp

        entering = np.append(infused, 0.0)

        def change(_time: float, now: Floats) -> Floats:
            absorbed = self.vmax * now[0] / (self.km + now[0])
            rates = entering.copy()
            rates[1:] += self.linear @ now[1:]
            rates[0] -= absorbed
            rates[1] += absorbed
            return rates

        done = solve_ivp(change, (0.0, hours), state, method="LSODA", rtol=_RELATIVE, atol=_ABSOLUTE)
        if not done.success:
            raise SimulationError(f"the solver stopped: {done.message}")
        return np.maximum(done.y[:, -1], 0.0)  # rounding below zero is cut off

    def for_ever(self, dose: Periodic) -> Floats:
        """Return the state that doses for ever lead to, `phase` h after the last began; nothing is eliminated yet."""
        if not dose.interval:
            return self._constant(dose)
        if dose.into == 0 and dose.amount >= self.vmax * dose.interval:
            raise SimulationError(
                f"no steady state: {dose.amount:g} mg every {dose.interval:g} h is more than VMAX = {self.vmax:g} mg/h "
                "can absorb"
            )
        depot = self._repeating(dose)
        n = len(self.linear) - 1
        begun = np.zeros(n + 2)
        begun[0] = depot
        gained = self._interval(begun, dose)
        columns = []
        for j in range(1, n + 1):
            more = begun.copy()
            more[j] = 1.0
            columns.append(self._interval(more, dose)[1:-1] - gained[1:-1])
        begun[1:-1] = np.linalg.solve(np.eye(n) - np.array(columns).T, gained[1:-1])
        found = self._through(begun, dose, dose.phase)
        found[-1] = 0.0
        return found

    def _repeating(self, dose: Periodic) -> float:
        """Return what is in the depot when an interval begins, the dose included."""
        state = np.zeros(len(self.linear) + 1)
        for _ in range(_MOST_INTERVALS):
            later = self._interval(state, dose)[0]
            if abs(later - state[0]) <= _REPEATS * max(later, 1.0):
                return later
            state[0] = later
        raise SimulationError("no steady state: the depot still fills after thousands of doses")

    def _interval(self, state: Floats, dose: Periodic) -> Floats:
        """Return the state one interval later, with the next dose given (bolus) or just begun (infusion)."""
        later = self._through(state, dose, dose.interval)
        if not dose.duration:
            later[dose.into] += dose.amount
        return later

    def _through(self, state: Floats, dose: Periodic, hours: float) -> Floats:
        """Return the state some hours after a dose began; those before it may still run."""
        infused = np.zeros(len(self.linear))
        if not dose.duration:
            return self.passed(state, hours, infused)
        often = dose.duration // dose.interval
        early = min(hours, dose.duration - often * dose.interval)
        infused[dose.into] = dose.rate * (often + 1)
        state = self.passed(state, early, infused)
        infused[dose.into] = dose.rate * often
        return self.passed(state, hours - early, infused)

    def _constant(self, dose: Periodic) -> Floats:
        if dose.into == 0 and dose.rate >= self.vmax:
            raise SimulationError(
                f"no steady state: {dose.rate:g} mg/h is more than VMAX = {self.vmax:g} mg/h can absorb"
            )
        found = np.zeros(len(self.linear) + 1)
        entering = np.zeros(len(self.linear) - 1)
        entering[max(dose.into - 1, 0)] = dose.rate
        found[1:-1] = np.linalg.solve(-self.linear[:-1, :-1], entering)
        if dose.into == 0:
            found[0] = self.km * dose.rate / (self.vmax - dose.rate)
        return found
