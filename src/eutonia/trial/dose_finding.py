"""Dose finding by continual reassessment: each cohort's level hangs on the reactions of the cohorts before it.

Everybody is computed at every level, as in any parallel phase, and the trial walks through its cohorts over what each
person would have had: so the same person has the same luck at every level, and blocks and workers change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Int

from eutonia.drug.effect.adverse import REACTIONS
from eutonia.statistics.reassessment import Walk, walk
from eutonia.statistics.sample_size import mean_error, share
from eutonia.study.parts import Phase

if TYPE_CHECKING:
    import polars

    from eutonia.study.design import TrialStudy
    from eutonia.study.reassessment import Reassessment
    from eutonia.trial.analysis import Outcome

AtLevels = Bool[np.ndarray, "patient level"]

# Whoever is not enrolled is in no arm.
_NO_ARM = -1


@dataclass(frozen=True)
class DoseFinding:
    """What dose finding found.

    Parameters
    ----------
    phase : str
        Phase whose arms are the levels.
    target : float
        Share of people with a limiting reaction that was aimed at.
    reactions : tuple of str
        The limiting reactions.
    levels : polars.DataFrame
        One row a level: what was thought of it, its true risk, the share of trials that select it, people and reactions
        a trial, each with its Monte Carlo error.
    trials : polars.DataFrame
        One row a replicate trial: people, reactions, the level recommended (null: even the lowest is too risky), and
        why it ended.
    cohorts : polars.DataFrame
        One row a cohort: level, people who could be judged, reactions, and what was known after it.
    """

    phase: str
    target: float
    reactions: tuple[str, ...]
    levels: polars.DataFrame
    trials: polars.DataFrame
    cohorts: polars.DataFrame


def phase_of(study: TrialStudy) -> Phase | None:
    """Return the phase in which a dose is found; None where none is."""
    return next((phase for phase in study.phases if phase.reassessment is not None), None)


def walked(outcome: Outcome) -> Outcome:
    """Return the outcome in which everybody has the level that their trial gave their cohort, or entered nothing."""
    phase = phase_of(outcome.study)
    if phase is None:
        return outcome
    rules = phase.reassessment
    assert rules is not None
    reacts, judged = at_levels(outcome, phase)
    shape = (outcome.n_replicates, -1, len(phase.arms))
    names = tuple(arm.name for arm in phase.arms)
    start = 0 if rules.start is None else names.index(rules.start)
    found = walk(
        rules.model(names),
        reacts.reshape(shape),
        judged.reshape(shape),
        rules.cohort,
        start,
        rules.stop_above,
        rules.enough,
    )
    level = np.repeat(found.level.T, rules.cohort, axis=1).ravel()
    return replace(
        outcome,
        assigned={**outcome.assigned, phase.name: np.where(level < 0, _NO_ARM, level)},
        entered={**outcome.entered, phase.name: outcome.entered[phase.name] & (level >= 0)},
        walk=found,
    )


def at_levels(outcome: Outcome, phase: Phase) -> tuple[AtLevels, AtLevels]:
    """Return who has a limiting reaction at each level, and who could be judged there: who had one, or was watched to
    the end without one.
    """
    rules = phase.reassessment
    assert rules is not None
    end_h = _end_h(phase)
    rows = [REACTIONS.index(name.replace(" ", "_")) for name in rules.reactions]
    hours = [outcome.reactions[phase.name, arm.name].time_h[rows] for arm in phase.arms]
    # NaN, for what never came, is not within any time.
    reacts = np.stack([(of_arm <= end_h).any(axis=0) for of_arm in hours], axis=-1)
    return reacts, (reacts | _watched(outcome, phase)[:, None]) & ~outcome.failed[phase.name][:, None]


def _end_h(phase: Phase) -> float:
    """Return the hour up to which everybody is watched."""
    rules = phase.reassessment
    return float(phase.visits_h[-1] if rules is None or rules.within_h is None else rules.within_h)


def _watched(outcome: Outcome, phase: Phase) -> Bool[np.ndarray, " patient"]:
    """Return who does not leave before the end of the watch, whatever the level."""
    return (outcome.left_h[phase.name] > _end_h(phase)) & ~outcome.failed[phase.name]


def dose_finding(outcome: Outcome) -> DoseFinding | None:
    """Return what replicate trials found, and how often they are right; None where no dose is found."""
    phase = phase_of(outcome.study)
    if phase is None:
        return None
    rules = phase.reassessment
    assert rules is not None
    assert outcome.walk is not None
    return DoseFinding(
        phase.name,
        rules.target,
        rules.reactions,
        _levels(outcome, phase, rules, outcome.walk),
        _trials(phase, outcome.walk, rules.cohort),
        _cohorts(phase, outcome.walk),
    )


def _levels(outcome: Outcome, phase: Phase, rules: Reassessment, found: Walk) -> polars.DataFrame:
    """Return one row a level: its true risk, how often it is selected, and how many are given it."""
    import polars as pl

    names = tuple(arm.name for arm in phase.arms)
    reacts, _ = at_levels(outcome, phase)
    # Of those who left, only who had reacted before could be counted, so all of them are left out: leaving is
    # independent of reactions, and who stays to the end of the watch tells what is true.
    watched = _watched(outcome, phase)
    true = (reacts & watched[:, None]).sum(axis=0) / max(watched.sum(), 1)
    nearest = int(np.argmin(np.abs(true - rules.target)))
    everybody = outcome.by_replicate(outcome.entered[phase.name]).sum(axis=1)
    rows = []
    for k, name in enumerate(names):
        selected = found.recommended == k
        mine = outcome.by_replicate(outcome.in_arm(phase.name, name))
        hits = outcome.by_replicate(outcome.in_arm(phase.name, name) & reacts[:, k])
        fraction = mine.sum(axis=1) / np.maximum(everybody, 1)
        rows.append(
            {
                "arm": name,
                "thought": float(rules.model(names).skeleton[k]),
                "true_risk": float(true[k]),
                "nearest": k == nearest,
                "selected": float(selected.mean()),
                "selected_error": share(int(selected.sum()), len(selected))[1],
                "given": float(mine.sum(axis=1).mean()),
                "given_error": mean_error(mine.sum(axis=1)),
                "given_share": float(fraction.mean()),
                "given_share_error": mean_error(fraction),
                "reacted": float(hits.sum(axis=1).mean()),
                "reacted_error": mean_error(hits.sum(axis=1)),
            }
        )
    return pl.DataFrame(rows).with_columns(pl.col(pl.Float64).fill_nan(None))


def _trials(phase: Phase, found: Walk, cohort: int) -> polars.DataFrame:
    """Return one row a replicate trial: how many took part and reacted, the level found, and why it ended."""
    import polars as pl

    names = np.array([arm.name for arm in phase.arms], dtype=object)
    cohorts = (found.level >= 0).sum(axis=0)
    whole = cohorts == len(found.level)
    ended = np.where(found.too_risky, "lowest level too risky", np.where(whole, "all enrolled", "enough at one level"))
    return pl.DataFrame(
        {
            "replicate": np.arange(len(cohorts), dtype=np.int32),
            "people": (cohorts * cohort).astype(np.int32),
            "judged": found.people.sum(axis=0).astype(np.int32),
            "reacted": found.reacted.sum(axis=0).astype(np.int32),
            "recommended": [None if k < 0 else names[k] for k in found.recommended],
            "ended": ended.tolist(),
        },
        schema_overrides={"recommended": pl.String, "ended": pl.String},
    )


def _cohorts(phase: Phase, found: Walk) -> polars.DataFrame:
    """Return one row a cohort that was enrolled: its level, its reactions, and what was known after it."""
    import polars as pl

    names = np.array([arm.name for arm in phase.arms], dtype=object)
    frames = []
    for number, known in enumerate(found.known):
        there: Int[np.ndarray, " trial"] = np.flatnonzero(found.level[number] >= 0)
        columns: dict[str, Any] = {
            "replicate": there.astype(np.int32),
            "cohort": np.full(len(there), number + 1, dtype=np.int32),
            "arm": pl.Series(names[found.level[number, there]].tolist(), dtype=pl.String),
            "judged": found.people[number, there].astype(np.int32),
            "reacted": found.reacted[number, there].astype(np.int32),
            "parameter": known.mean[there],
            "parameter_sd": known.sd[there],
            "lowest_too_risky": known.lowest_too_risky[there],
        }
        columns |= {f"risk_{k + 1}": known.risk[there, k] for k in range(len(names))}
        frames.append(pl.DataFrame(columns))
    return pl.concat(frames).sort("replicate", "cohort")
