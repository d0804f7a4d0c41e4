"""One row a person: who they are, what they were allocated to, when and why they left, and whether they responded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia._hours import HOURS_A_DAY
from eutonia.study.factorial import CELLS
from eutonia.study.parts import Phase
from eutonia.trial.analysis import Outcome
from eutonia.trial.failure_table import columns_of
from eutonia.trial.leaving import REASONS, tablets_taken
from eutonia.trial.rescue import rescues
from eutonia.trial.responders import responses

if TYPE_CHECKING:
    import polars


def patient_table(outcome: Outcome) -> polars.DataFrame:
    """Return one row a person.

    `patient` is the key that joins visits to people; `person` counts within a replicate trial. `arm` is the arm of the
    first phase that has several (a crossover: the arms in their order), else of the first phase; `arm_PHASE` that of
    each phase, empty for who did not enter it; `factor_PHASE_NAME` says of a factorial phase who is given which.
    `not_computed` says why somebody could not be computed and counts nowhere, where there is such a person.
    `left_day_PHASE` counts from the start of that phase, and so do the day of the first rescue, and those of a pump or
    catheter that `failed_PHASE`, and of its repair.
    """
    import polars as pl

    study = outcome.study
    who = np.arange(len(outcome.member), dtype=np.int64)
    arms = {phase.name: _arms(outcome, phase) for phase in study.phases}
    main = next((phase for phase in study.phases if len(phase.arms) > 1), study.phases[0])
    columns: dict[str, Any] = {
        "patient": who,
        "replicate": (who // study.population.n).astype(np.int32),
        "person": (who % study.population.n).astype(np.int32),
        "arm": arms[main.name],
        **{key: pl.Series(values)[outcome.member] for key, values in outcome.known.items()},
        **({} if outcome.eligible is None else {"eligible": outcome.eligible}),
    }
    for phase, name in zip(study.phases, _plain([phase.name for phase in study.phases]), strict=True):
        left = outcome.entered[phase.name] & outcome.left[phase.name]
        reason = np.where(left, outcome.left_why.get(phase.name, 1), 0)
        day = np.where(left, outcome.left_h.get(phase.name, np.nan) / HOURS_A_DAY, np.nan)
        columns |= {
            f"arm_{name}": arms[phase.name],
            **_factors(outcome, phase, name),
            f"left_day_{name}": pl.Series(day).fill_nan(None),
            f"left_reason_{name}": pl.Series([REASONS[k] or None for k in reason], dtype=pl.String),
            **_taken(outcome, phase, name),
            **_rescued(outcome, phase, name),
            **_tested(outcome, phase, name),
            **columns_of(outcome, phase, name),
        }
    if outcome.uncomputed:
        why = [outcome.uncomputed.get(int(one)) for one in who]
        columns["not_computed"] = pl.Series(why, dtype=pl.String)
    return pl.DataFrame({**columns, **responses(outcome), **outcome.features})


def _factors(outcome: Outcome, phase: Phase, name: str) -> dict[str, Any]:
    """Return who was allocated to each factor of a factorial phase, empty for who did not enter; else nothing."""
    import polars as pl

    which, entered = outcome.assigned[phase.name], outcome.entered[phase.name]
    return {
        f"factor_{name}_{plain}": pl.Series(
            [CELLS[arm][k] if come else None for arm, come in zip(which, entered, strict=True)], dtype=pl.Boolean
        )
        for k, plain in enumerate(_plain([factor.name for factor in phase.factors]))
    }


def _taken(outcome: Outcome, phase: Phase, name: str) -> dict[str, Any]:
    """Return the share of their tablets that people take; nothing where they take all."""
    found = tablets_taken(phase, outcome.study.seed, np.arange(len(outcome.member)))
    return {} if found is None else {f"tablets_taken_{name}": found}


def _rescued(outcome: Outcome, phase: Phase, name: str) -> dict[str, Any]:
    """Return the day on which rescue was first given, and how often it was; nothing where a phase gives none."""
    import polars as pl

    if phase.rescue is None:
        return {}
    found = rescues(outcome, phase) & outcome.entered[phase.name]
    day = np.where(found, np.array(phase.rescue.visits_h)[:, None] / HOURS_A_DAY, np.inf).min(axis=0)
    first = pl.Series(np.where(found.any(axis=0), day, np.nan)).fill_nan(None)
    return {f"rescued_day_{name}": first, f"rescues_{name}": found.sum(axis=0).astype(np.int32)}


def _tested(outcome: Outcome, phase: Phase, name: str) -> dict[str, Any]:
    """Return who responded to the test dose of their arm; nothing where no arm of a phase has a gate of its own."""
    import polars as pl

    found = np.full(len(outcome.member), None, dtype=object)
    for arm in phase.arms:
        if (passed := outcome.tested.get((phase.name, arm.name))) is not None:
            mine = outcome.in_arm(phase.name, arm.name)
            found[mine] = passed[mine]
    is_gated = any((phase.name, arm.name) in outcome.tested for arm in phase.arms)
    return {f"passed_{name}": pl.Series(found.tolist(), dtype=pl.Boolean)} if is_gated else {}


def _arms(outcome: Outcome, phase: Phase) -> Any:
    """Return everybody's arm in a phase, or their arms in their order; None for who did not enter."""
    import polars as pl

    names, n = [arm.name for arm in phase.arms], len(phase.arms)
    if phase.design == "crossover":
        names = [", then ".join(names[(first + k) % n] for k in range(n)) for first in range(n)]
    which = outcome.assigned[phase.name] if n > 1 else np.zeros(len(outcome.member), dtype=int)
    entered = outcome.entered[phase.name]
    return pl.Series([names[k] if come else None for k, come in zip(which, entered, strict=True)], dtype=pl.String)


def _plain(names: Sequence[str]) -> list[str]:
    """Return names of phases or factors as parts of a column's name, each once."""
    plain = [re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_") or "phase" for name in names]
    return [name if plain.count(name) == 1 else f"{name}_{k + 1}" for k, name in enumerate(plain)]
