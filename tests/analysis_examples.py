"""A study with two arms and a plan, and outcomes of it with scores that a test draws itself."""

from __future__ import annotations

import numpy as np
from study_examples import SIX_WEEKS_OF_TABLETS, STROKE

from eutonia.assessment.scoring import charted_muscles
from eutonia.study.design import TrialStudy, parse_study
from eutonia.trial.analysis import Outcome
from eutonia.trial.block_outcome import VisitRecord

HEAD = (
    """
[study]
name = "planned"
title = "Two arms and a plan"
kind = "trial"
seed = 1
[population]
n = 40
"""
    + STROKE
    + """\
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["ashworth", "modified_ashworth", "spasm"]
rater = "human"
"""
    + SIX_WEEKS_OF_TABLETS
)
# Toxin for whoever is still at 3 at the second visit, in a phase.
RESCUE = """\
[phase.rescue]
scale = "ashworth"
limb = "leg"
score = 3.0
visits = ["2 week"]
[[phase.rescue.treatment]]
route = "intramuscular"
product = "onabotulinumtoxinA"
muscle = "ankle plantarflexors"
dose = "200 U onabotulinumtoxinA"
at = "0 week"
"""
PRIMARY = """
[[analysis.endpoint]]
scale = "ashworth"
limb = "leg"
estimand = "hypothetical"
"""


def study(endpoints: str = PRIMARY, head: str = HEAD, plan: str = "[analysis]\n") -> TrialStudy:
    return parse_study(head + plan + endpoints)


def made(of: TrialStudy, first: np.ndarray, second: np.ndarray, trials: int, *, leave: float = 0.0) -> Outcome:
    """Return an outcome with these leg Ashworth scores (visit, person) in placebo and tablets; half are in each arm."""
    n = first.shape[1]
    leaves = np.random.default_rng(8).random(n) < leave
    visits = {}
    for name, scores in (("placebo", first), ("tablets", second)):
        for k, row in enumerate(scores):
            limbs = np.stack([row, row])
            muscles = np.stack([row + place for place in range(len(charted_muscles()))])
            here = ~leaves if k == len(scores) - 1 else np.ones(n, dtype=bool)
            record = VisitRecord(
                "only",
                name,
                k,
                float(of.phases[0].visits_h[k]),
                {"ashworth": limbs, "modified_ashworth": limbs, "spasm": limbs, "ashworth_muscle": muscles},
                here,
                np.zeros(n),
                np.zeros(n),
            )
            visits["only", name, k] = record
    ones = np.ones(n, dtype=bool)
    return Outcome(
        of,
        trials,
        visits,
        {"only": ones},
        {"only": ones},
        {"only": np.arange(n) % 2},
        {"only": leaves},
        {},
        {},
        np.arange(n),
    )
