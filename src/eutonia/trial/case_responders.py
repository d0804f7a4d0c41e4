"""How likely a response is for what a chart tells of one person: the share of the people that the person may be.

A case is run for people who share what is known of the person. So the share of them who respond is the chance of a
response as far as anything that is known can tell, and what sets responders apart is what no chart holds.

Equation
    r_k = 1 where the score of possible person k is better by the least change or more, from the last look before the
    first treatment to the last look (or on average over the looks from then on);  P = mean of r_k, interval by Wilson
What lies beyond normal (a tendon reflex below 2) is no improvement.
Assumptions: no noise of raters, who would add and take away responses; the lesion's own course counts, too.
Not for: a single person, who responds or does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eutonia._middle import wilson
from eutonia.assessment.scales import SCALES
from eutonia.study.case_checks import first_treatment
from eutonia.study.design import CaseStudy
from eutonia.trial.charted_items import items
from eutonia.trial.predictors import predictor_table
from eutonia.trial.recruitment import features_of
from eutonia.trial.responders import first_that_matters, responds, rule_in_words, usual_least
from eutonia.trial.statistics import mean_over_time

if TYPE_CHECKING:
    import polars
    import xarray

    from eutonia.simulation.people import People

#: Names of phase and arm of a case in tables.
PHASE, ARM = "course", "this person"
_LAST, _MEAN = "at the last look", "on average since the first treatment"


@dataclass(frozen=True)
class CaseResponse:
    """Who of the possible people responds: `endpoint` in words, `responders` and `predictors` as a trial has them, and
    `patients`, one row a possible person.
    """

    endpoint: str
    responders: polars.DataFrame
    predictors: polars.DataFrame | None
    patients: polars.DataFrame


def improvements(course: xarray.Dataset, scale: str, limb: str | None, begun_h: float) -> dict[str, np.ndarray]:
    """Return by how much each possible person is better than before treatment: at the last look, and on average."""
    part = course[scale] if limb is None else course[scale].sel(limb=limb)
    values = part.transpose("time_h", "patient").to_numpy().astype(float)
    at_h = course["time_h"].to_numpy()
    before = values[int(np.searchsorted(at_h, begun_h, side="right")) - 1]
    better = SCALES[scale].better(before, values[at_h > begun_h])
    return {_LAST: better[-1], _MEAN: mean_over_time(at_h[at_h > begun_h], better)}


def case_response(study: CaseStudy, course: xarray.Dataset, people: People) -> CaseResponse | None:
    """Return who responds; None where nobody is treated, or nothing is charted. `people` are those before treatment."""
    import polars as pl

    begun, charted = first_treatment(study), items(study.assessment)
    if begun is None or not charted or float(course["time_h"][-1]) <= begun:
        return None
    rows = []
    for key, limb in charted:
        least, is_important = usual_least(SCALES[key], limb)
        rule = rule_in_words(SCALES[key], limb, least, is_important=is_important)
        for when, better in improvements(course, key, limb, float(begun)).items():
            hits = responds(better, least)
            share, n = float(hits.mean()), float(len(hits))
            rows.append((f"{rule}, {when}", PHASE, ARM, False, n, share, *wilson(share, n)))
    names = ["rule", "phase", "arm", "placebo", "n", "share", "low", "high"]
    key, limb = first_that_matters(charted)
    least, is_important = usual_least(SCALES[key], limb)
    better = improvements(course, key, limb, float(begun))[_LAST]
    patients = pl.DataFrame(
        {
            "patient": course["patient"].to_numpy().astype(np.int64),
            "response_arm": [ARM] * len(better),
            "responder": responds(better, least),
            "response_improvement": better,
            **features_of(people),
        }
    )
    said = rule_in_words(SCALES[key], limb, least, is_important=is_important)
    endpoint = (
        f"A possible person responds whose {said}, from the last look before the first treatment ({begun.text}) to the "
        "last look. Scores are those of an examiner who never errs, and the lesion's own course counts, too."
    )
    found = pl.DataFrame(rows, schema=names, orient="row")
    return CaseResponse(endpoint, found, predictor_table(patients, [ARM]), patients)
