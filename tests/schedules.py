"""Random dosing tables, and a slow, plain reading of them: every event spelled out, exponentials in 80 bits.

Shares nothing with the package: its own reading of the rules, its own matrices, its own steady states.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, fields, replace

import numpy as np
from hypothesis import strategies as st

SAME = 1e-9
# The segments, from the sac upwards: mL and cm, as the set `intrathecal` has them; nothing is injected into the last.
VOLUME, LENGTH = (23.9, 10.9, 9.4, 29.1, 24.0, 25.0, 120.0), (17.0, 5.5, 5.5, 17.0, 14.0, 8.0, 15.0)
SQUARINGS = 40  # a steady state is the state after 2**40 intervals


@dataclass(frozen=True)
class Row:
    """One record; parameters are those of the person at this record."""

    time: float
    evid: int
    amount: float = 0.0
    into: int = 0
    rate: float = 0.0
    additional: int = 0
    interval: float = 0.0
    steady: int = 0
    share: float = 1.0
    lag: float = 0.0
    modelled_rate: float = math.nan
    modelled_duration: float = math.nan
    values: tuple[float, ...] = ()

    def __repr__(self) -> str:
        """Only what differs from an observation."""
        plain = Row(self.time, self.evid)
        told = {f.name: getattr(self, f.name) for f in fields(self)}
        told = {k: x for k, x in told.items() if x != getattr(plain, k) and not (isinstance(x, float) and x != x)}
        return f"Row({self.time:g}, {self.evid}, {', '.join(f'{k}={x}' for k, x in told.items())})"

    def dose(self) -> tuple[float, float, float]:
        """Amount, rate and duration; a bolus lasts 0 h."""
        amount = self.amount * self.share
        if self.rate == 0:
            return amount, 0.0, 0.0
        if self.rate == -2:
            return amount, amount / self.modelled_duration, self.modelled_duration
        rate = self.modelled_rate if self.rate == -1 else self.rate
        return amount, rate, amount / rate


@dataclass(frozen=True)
class Plan:
    """A model as a matrix: `gut` stages before the central of `compartments`."""

    names: tuple[str, ...]
    gut: int
    compartments: int
    chain: int = 0
    changing: tuple[int, ...] = (0,)  # which parameters change within a person

    @property
    def stages(self) -> int:
        return self.gut + self.compartments + 1

    def matrix(self, values: tuple[float, ...]) -> np.ndarray:
        v = dict(zip(self.names, values, strict=True))
        n = self.gut + self.compartments + 1
        m = np.zeros((n, n))
        rates = [self.chain / v.get("MTT", 1.0)] * self.chain + ([v["KA"]] if self.gut > self.chain else [])
        for i, rate in enumerate(rates):
            m[i, i] -= rate
            m[i + 1, i] += rate
        c, volume = self.gut, v.get("V", v.get("VC"))
        flows = [(c, n - 1, v["CL"] / volume)]
        for j, (q, vp) in enumerate((("Q", "VP"), ("Q2", "VP2"))[: self.compartments - 1], start=1):
            flows += [(c, c + j, v[q] / volume), (c + j, c, v[q] / v[vp])]
        for source, target, rate in flows:
            m[source, source] -= rate
            m[target, source] += rate
        return m

    def stage(self, into: int) -> int:
        return into if not self.gut or into == 0 else self.gut + into - 1

    def unit(self, into: int, values: tuple[float, ...]) -> np.ndarray:
        """Where one mg into a compartment goes."""
        one = np.zeros(self.stages)
        one[self.stage(into)] = 1.0
        return one

    def largest(self, wanted: np.ndarray) -> np.ndarray:
        """What an error is small against, place by place."""
        return wanted.max(axis=0)

    def shown(self, state: np.ndarray) -> np.ndarray:
        return np.concatenate([[state[: self.gut].sum()], state[self.gut :]]) if self.gut else state


@dataclass(frozen=True)
class LinePlan:
    """The spinal fluid segment by segment, and the blood, in plain volumes and flows."""

    names: tuple[str, ...] = ("KCSF", "DISP", "LPOUT", "LPNEAR", "CL", "VC", "Q", "VP")
    changing: tuple[int, ...] = (0, 1)
    chain: int = 0

    @property
    def stages(self) -> int:
        return len(VOLUME) + 3

    def matrix(self, values: tuple[float, ...]) -> np.ndarray:
        v, n = dict(zip(self.names, values, strict=True)), len(VOLUME)
        flows = [(i, n, v["KCSF"]) for i in range(n)] + [(n, n + 2, v["CL"] / v["VC"])]
        flows += [(n, n + 1, v["Q"] / v["VC"]), (n + 1, n, v["Q"] / v["VP"])]
        for i, j in itertools.pairwise(range(n)):
            to_and_fro = v["DISP"] / (LENGTH[i] ** 2 / (2 * VOLUME[i]) + LENGTH[j] ** 2 / (2 * VOLUME[j]))
            flows += [(i, j, to_and_fro / VOLUME[i]), (j, i, to_and_fro / VOLUME[j])]
        m = np.zeros((self.stages, self.stages))
        for source, target, rate in flows:
            m[source, source] -= rate
            m[target, source] += rate
        return m

    def unit(self, into: int, values: tuple[float, ...]) -> np.ndarray:
        """Where one ug goes: into its segment or the blood, or from a puncture into sac, conus and tip."""
        v, one = dict(zip(self.names, values, strict=True)), np.zeros(self.stages)
        if into < len(VOLUME) - 1:
            one[into] = 1.0
        elif into == len(VOLUME) - 1:
            one[into + 1] = 1.0
        elif into == len(VOLUME) + 1:
            one[into] = 1.0
        else:
            one[:3] = 1 - v["LPOUT"], v["LPOUT"] * v["LPNEAR"], v["LPOUT"] * (1 - v["LPNEAR"])
        return one

    def largest(self, wanted: np.ndarray) -> np.ndarray:
        """Modes share the rounding of all drug in the fluid."""
        n, most = len(VOLUME), wanted.max(axis=0)
        most[:n] = wanted[:, :n].sum(axis=1).max()
        return most

    def shown(self, state: np.ndarray) -> np.ndarray:
        return state


def moved(matrix: np.ndarray, state: np.ndarray, infused: np.ndarray, hours: float) -> np.ndarray:
    return (affine(matrix, infused, hours) @ np.append(state, 1.0))[:-1]


def affine(matrix: np.ndarray, infused: np.ndarray, hours: float) -> np.ndarray:
    n = len(matrix)
    whole = np.zeros((n + 1, n + 1), np.longdouble)
    whole[:n, :n], whole[:n, n] = matrix, infused
    return exponential(whole * hours)


def exponential(matrix: np.ndarray) -> np.ndarray:
    """Exponentiate by Taylor's series and squaring, in 80-bit arithmetic.

    SciPy's expm takes a plain divided difference on a triangular matrix and loses eight digits where two rates meet.
    """
    long = matrix.astype(np.longdouble)
    halvings = max(0, math.ceil(math.log2(max(1e-9, float(np.abs(long).sum(axis=0).max())))) + 2)
    long = long / 2**halvings
    term = total = np.eye(len(matrix), dtype=np.longdouble)
    for i in range(1, 18):
        term = term @ long / i
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return total


def solved(matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve linear equations to 80 bits: what is exactly nothing must not come out as rounding."""
    found = np.zeros(len(right), np.longdouble)
    for _ in range(4):
        missing = right - matrix.astype(np.longdouble) @ found
        found = found + np.linalg.solve(matrix, missing.astype(np.float64))
    return found


def observed(plan: Plan | LinePlan, rows: list[Row]) -> dict[int, np.ndarray]:
    """Return the amounts at each observation, by its place among the rows."""
    atoms = [atom for i, row in enumerate(rows) if row.evid in (1, 4) for atom in spelled(rows, i)]
    cancels = [i for i, row in enumerate(rows) if row.evid >= 3 or (row.evid == 1 and row.steady == 1)]
    state = np.zeros(plan.stages, np.longdouble)
    found, now = {}, rows[0].time
    for i, row in enumerate(rows):
        alive = [a for a in atoms if a[0] < i and not any(a[0] < c < i for c in cancels)]
        if row.time >= now:
            state = passed(plan, state, now, row, alive)
        now = row.time
        if row.evid >= 3:
            state = np.zeros_like(state)
        if row.evid in (1, 4):
            if row.steady == 1:
                state = np.zeros_like(state)
            if row.steady:
                state = state + for_ever(plan, row)
            elif row.lag == 0 and row.rate == 0:
                state = state + row.dose()[0] * plan.unit(row.into, row.values)
        elif row.evid == 0:
            found[i] = plan.shown(state)
    return found


def spelled(rows: list[Row], i: int) -> list[tuple[int, float, float, float, int]]:
    """Return all that a dose record brings after its own moment: (record, begin, end, amount or rate, into)."""
    row = rows[i]
    amount, rate, lasts = row.dose()
    if row.steady and row.amount == 0:
        return []
    begins = [row.time + row.lag + k * row.interval for k in range(row.additional + 1)]
    if row.steady:
        back = math.ceil((row.lag + lasts) / row.interval) + 2
        begins += [row.time + row.lag - k * row.interval for k in range(1, back)]
    kept = []
    for begin in begins:
        if lasts and begin + lasts > row.time:
            kept.append((i, begin, begin + lasts, rate, row.into))
        elif not lasts and begin > row.time + SAME:
            kept.append((i, begin, begin, amount, row.into))
    return kept


def passed(plan: Plan | LinePlan, state: np.ndarray, start: float, row: Row, atoms: list) -> np.ndarray:
    """Return the state at the time of a record, before what the record does."""
    slack = SAME * max(1.0, abs(row.time))
    matrix = plan.matrix(row.values)
    jumps = [(begin, amount, into) for _, begin, end, amount, into in atoms if end == begin]
    runs = [(begin, end, rate, into) for _, begin, end, rate, into in atoms if end > begin]
    jumps = [(row.time if abs(t - row.time) <= slack else t, a, into) for t, a, into in jumps]
    jumps = [(t, a, into) for t, a, into in jumps if start + SAME * max(1, abs(start)) < t <= row.time]
    edges = {t for t, _, _ in jumps} | {t for run in runs for t in run[:2]}
    times = [start, *sorted(t for t in edges if start < t < row.time), row.time]
    for begin, end in itertools.pairwise(times):
        middle = (begin + end) / 2
        infused = sum(
            (r * plan.unit(into, row.values) for b, e, r, into in runs if b < middle < e), np.zeros(len(matrix))
        )
        state = moved(matrix, state, infused, end - begin)
        for t, amount, into in jumps:
            if t == end:
                state = state + amount * plan.unit(into, row.values)
    return state


def for_ever(plan: Plan | LinePlan, row: Row) -> np.ndarray:
    """Return the state at the record of doses given for ever before it, by passing 2**40 intervals."""
    matrix, unit = plan.matrix(row.values), plan.unit(row.into, row.values)
    amount, rate, lasts = row.dose()
    if row.amount == 0:
        return np.append(solved(-matrix[:-1, :-1], rate * unit[:-1]), 0.0)
    interval, start = row.interval, row.time - row.interval
    late = math.fmod(row.lag, interval)
    late = 0.0 if min(late, interval - late) < SAME * interval else late
    begins = [row.time + late - k * interval for k in range(math.ceil(lasts / interval) + 3)]
    runs = [(b, b + lasts) for b in begins] if lasts else []
    jumps = [] if lasts else [b for b in begins if start < b <= row.time]
    edges = [e for run in runs for e in run] + jumps
    times = [start, *sorted({e for e in edges if start < e < row.time}), row.time]
    period = np.eye(len(matrix) + 1, dtype=np.longdouble)
    for begin, end in itertools.pairwise(times):
        middle = (begin + end) / 2
        period = affine(matrix, rate * sum(b < middle < e for b, e in runs) * unit, end - begin) @ period
        if end in jumps:
            jump = np.eye(len(period))
            jump[:-1, -1] = amount * unit
            period = jump @ period
    period[len(matrix) - 1] = 0.0  # what is eliminated has no steady state
    period[-1] = np.eye(len(period))[-1]  # a constant stays exactly one, also after 2**40 multiplications
    for _ in range(SQUARINGS):
        period = period @ period
    return period[:-1, -1]


# --- random tables ---------------------------------------------------------------------------------------------

LIMITS = {"CL": (1, 30), "V": (10, 100), "VC": (5, 60), "Q": (1, 20), "VP": (5, 60), "Q2": (0.5, 10), "VP2": (20, 200)}
LIMITS |= {"KA": (0.1, 4), "MTT": (0.1, 3)}
LIMITS |= {"KCSF": (0.1, 1), "DISP": (3, 400), "LPOUT": (0.05, 0.9), "LPNEAR": (0.1, 1)}


def between(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(0, 1000).map(lambda i: float(f"{low * (high / low) ** (i / 1000):.6g}"))


@st.composite
def people(draw: st.DrawFn, plan: Plan | LinePlan, n_inputs: int, most: int = 8) -> list[Row]:
    """Draw one person: doses of every kind, resets, changing parameters, observations between and after."""
    values = tuple(draw(between(*LIMITS[name])) for name in plan.names)
    if "KA" in plan.names and draw(st.booleans()):  # absorption as fast as elimination, to rounding
        at = dict(zip(plan.names, values, strict=True))
        near = at["CL"] / at.get("V", at.get("VC", 1.0)) * (1 + draw(st.sampled_from([0.0, 1e-12, 1e-9, 1e-5])))
        values = tuple(near if name == "KA" else x for name, x in at.items())
    rows, time = [], draw(st.sampled_from([0.0, -3.5, 100.0]))
    for _ in range(draw(st.integers(2, most))):
        rows += draw(doses(time, n_inputs, values))
        if rows[-1].evid >= 3 and draw(st.integers(0, 3)) == 0:
            time = 0.0
            rows[-1] = replace(rows[-1], time=time)
        for hours in draw(st.lists(st.sampled_from([0.0, 0.25, 0.7, 3.0, 8.0, 24.0, 31.7]), min_size=1, max_size=3)):
            time += hours
            rows.append(Row(time, draw(st.sampled_from([0, 0, 0, 2])), values=values))
        if draw(st.integers(0, 3)) == 0:  # the kidneys change: from the next record on
            factor = draw(st.sampled_from([0.4, 1.7]))
            values = tuple(factor * x if i in plan.changing else x for i, x in enumerate(values))
    return [*rows, Row(time + 2.0, 0, values=values)]


@st.composite
def doses(draw: st.DrawFn, time: float, n_inputs: int, values: tuple[float, ...]) -> list[Row]:
    """Draw a dose or a reset."""
    evid = draw(st.sampled_from([1, 1, 1, 1, 3, 4]))
    row = Row(time, evid, values=values)
    if evid == 3:
        return [row]
    kind = draw(st.sampled_from(["bolus", "bolus", "infusion", "-1", "-2", "constant"]))
    steady = draw(st.sampled_from([0, 0, 1, 2]))
    row = replace(row, into=draw(st.integers(0, n_inputs - 1)), steady=steady)
    if kind == "constant":
        return [replace(row, rate=draw(between(0.5, 20)), steady=steady or 1)]
    interval = draw(st.sampled_from([4.0, 6.0, 8.0, 12.0, 24.0]))
    row = replace(
        row,
        amount=draw(between(1, 100)),
        share=draw(st.sampled_from([1.0, 0.74, 0.3])),
        lag=draw(st.sampled_from([0.0, 0.0, 0.5, 3.7, 8.0, 13.1])),
        additional=(additional := draw(st.sampled_from([0, 0, 1, 3]))),
        interval=interval if steady or additional else 0.0,
    )
    lasts = draw(st.sampled_from([0.5, 2.0, 4.0, 11.0, 19.3]))
    if kind == "infusion":
        return [replace(row, rate=row.amount * row.share / lasts)]
    if kind == "-1":
        return [replace(row, rate=-1.0, modelled_rate=row.amount * row.share / lasts)]
    return [replace(row, rate=-2.0, modelled_duration=lasts)] if kind == "-2" else [row]
