"""Several ways to treat one person: the same possible people take each of them, so that only the treatment differs.

A case is run for people who share what is known of one person. Options share the seed, the person, the lesion and the
charts; then possible person k has the same luck in each, and the difference between two options is taken person by
person.

Equation
    d_k = m_k(option) - m_k(against), m_k a measure of possible person k; `difference` is the median of d_k, `low` and
    `high` enclose its middle 95 %
Not for: a choice. Which option is worth its risk is for the person and a doctor to say.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia import parameters
from eutonia._middle import MIDDLE_95
from eutonia._printed import Printed
from eutonia._progress import Progress, silent
from eutonia.assessment.scales import SCALES
from eutonia.drug.pump.therapy import Activation, Kink, Leak
from eutonia.study.case_checks import first_treatment
from eutonia.study.design import CaseStudy
from eutonia.study.other_uses import as_tried
from eutonia.study.same_person import KIDNEYS
from eutonia.trial.case import run_case
from eutonia.trial.case_risks import POSSIBLE_PEOPLE
from eutonia.trial.record import inputs, repeat, run_record
from eutonia.trial.result import StudyResult
from eutonia.trial.statistics import mean_over_time

if TYPE_CHECKING:
    import polars
    import xarray


_VALUE, _DIFFERENCE = ("low", "value", "high"), ("difference_low", "difference", "difference_high")
#: Variables of a course that are compared beside the scales, by their highest value.
_RISKS = {
    "risk_drowsiness": "Drowsiness within a day",
    "rebound": "Rebound above the untreated level",
    "withdrawal_severe": "Severe withdrawal, risk of the stop",
    "without_drug": "Hours without drug, or without that of the pump",
}
# How the variables begin that say what is left of the voluntary force of a muscle group.
_FORCE = "force_"
# What happens with a pump and is done by nobody of a clinic.
_NOT_DONE = (Activation, Kink, Leak)


@dataclass(frozen=True, repr=False)
class OptionComparison(Printed):
    """Options of one person beside each other.

    `names` of the options, the one that the others are compared `against`, the `results` of their runs by name, at how
    many moments something is done for the person in each (`contacts`), the `table` of `frame()`, the hours between
    which means are taken (`span_h`), the record of the `run`, and what differs beside the drug (`notes`).
    """

    names: tuple[str, ...]
    against: str
    results: Mapping[str, StudyResult]
    contacts: Mapping[str, int]
    table: polars.DataFrame
    span_h: tuple[float, float]
    run: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    def prose(self) -> str:
        """Return what is compared, and what each option does to the first score at the end."""
        of = self.table.filter(self.table["measure"] == "last")
        of = self.table if of.is_empty() else of  # of another use than spasticity only risks are compared
        first = of.filter((of["what"] == of["what"][0]) & (of["limb"] == of["limb"][0]))
        told = "; ".join(f"{row['option']} {row['value']:.2f}" for row in first.iter_rows(named=True))
        row = first.row(0, named=True)
        what = f"{row['label']}, {row['limb']}" if row["limb"] else row["label"]
        notes = "".join(f" {note}" for note in self.notes)
        when = "at the last look" if row["measure"] == "last" else "at its highest"
        return f"{len(self.names)} options of one person, against {self.against}. {what}, {when}: {told}.{notes}"

    def frame(self) -> polars.DataFrame:
        """Return option, what, label, limb, unit, measure, value, low, high, difference, difference_low,
        difference_high, one row an option and measure.
        """
        return self.table


def run_options(studies: Sequence[CaseStudy], against: str, progress: Progress = silent) -> OptionComparison:
    """Run cases that `check_options` let pass, and compare them."""
    import polars as pl

    began = time.perf_counter()
    # What one option does to a muscle group is compared with the same group in the others.
    treated = {str(muscle) for one in studies for given in one.treatments if (muscle := getattr(given, "muscle", None))}
    with parameters.recording() as used:
        results = [
            run_case(one, _share(progress, place, len(studies)), muscles=treated) for place, one in enumerate(studies)
        ]

    names = tuple(one.name for one in studies)
    courses = dict(zip(names, (one.course for one in results), strict=True))
    span = _treated(studies)
    scales = studies[0].assessment.scales
    rows: list[dict[str, Any]] = []
    for what, label, unit, limb in _compared(courses, scales):
        found = {name: _measures(course, what, limb, span) for name, course in courses.items()}
        about = {"what": what, "label": label, "limb": limb, "unit": unit}
        rows += [
            {"option": name, **about, "measure": measure}
            | _spread(found[name][measure], _VALUE)
            | _spread(found[name][measure] - base, _DIFFERENCE)
            for measure, base in found[against].items()
            for name in names
        ]
    programs = list(dict.fromkeys(one.therapy.program.path for one in studies if one.therapy is not None))
    contacts = {one.name: len(_moments(one)) for one in studies}
    command = repeat(
        "compare",
        *dict.fromkeys(one.word for one in studies),
        own=studies[0].parameters,
        against=against,
        seed=studies[0].seed,
    )
    tried = {as_tried(one) for one in studies if one.beyond_label}
    run = run_record(
        studies[0].seed,
        " ".join(one.digest for one in studies),
        used,
        time.perf_counter() - began,
        {key: found for one in studies for key, found in one.cited.items()},
        command=command,
        study_text={one.name: one.text for one in studies},
        beyond_label=[line for one in studies for line in one.beyond_label],
        possible_people=POSSIBLE_PEOPLE,
        **({"inputs": inputs(programs)} if programs else {}),
        **({"beyond_label_as": tried.pop()} if len(tried) == 1 else {}),
    )
    return OptionComparison(
        names, against, dict(zip(names, results, strict=True)), contacts, pl.DataFrame(rows), span, run, _notes(studies)
    )


def _notes(studies: Sequence[CaseStudy]) -> tuple[str, ...]:
    """Return what differs between options though no drug is: blood that is cleared by a machine in some of them."""
    end = float(studies[0].case.duration_h)
    sessions = {
        one.name: sorted(
            at for event in one.events if event.kind == "dialysis" for at, _ in event.sessions_h if at <= end
        )
        for one in studies
    }
    if all(one == sessions[studies[0].name] for one in sessions.values()):
        return ()
    told = "; ".join(f"{name} {len(at)} session{'s' * (len(at) != 1)}" for name, at in sessions.items())
    return (f"Haemodialysis is not the same in all options ({told}), so their difference is not of the drug alone.",)


def _share(progress: Progress, place: int, count: int) -> Progress:
    """Return the progress of one run as its share of that of all of them."""
    return lambda _, share: progress("Options", (place + share) / count)


def _treated(studies: Sequence[CaseStudy]) -> tuple[float, float]:
    """Return the hours from the first treatment of any option to the end."""
    end = float(studies[0].case.duration_h)
    begins = [float(first) for one in studies if (first := first_treatment(one)) is not None and first < end]
    return min(begins, default=0.0), end


def _moments(study: CaseStudy) -> set[float]:
    """Return the hours at which something is done to the person: events, the pump program, treatments beside the drug.

    Each session of haemodialysis is one; what happens to a catheter, and what the person calls, is none.
    """
    end = float(study.case.duration_h)
    given = [at_h for one in study.treatments for at_h, _ in one.happenings(end)]
    own = [event for event in study.events if event.kind != KIDNEYS]
    told = [at_h for one in own for at_h in ([b for b, _ in one.sessions_h] if one.kind == "dialysis" else [one.at_h])]
    pump = study.pump_therapy if study.therapy is not None else None
    played = [] if pump is None else [one.at_h for one in pump.events if not isinstance(one, _NOT_DONE)]
    return {float(at_h) for at_h in (*given, *told, *played) if at_h <= end}


def _compared(courses: Mapping[str, xarray.Dataset], scales: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Return variable, label, unit and limb of what is compared: the scores that the study asks for, then risks."""
    out = []
    labels = {key: scale.label for key, scale in SCALES.items() if scale.is_score and key in scales} | _RISKS
    for what, label in labels.items():
        holders = [course[what] for course in courses.values() if what in course]
        if not holders:
            continue
        unit = str(holders[0].attrs.get("units", ""))
        limbs = [str(limb) for limb in holders[0]["limb"].values] if "limb" in holders[0].dims else [""]
        out += [(what, label, unit, limb) for limb in limbs]
    weak = {str(name): one[name] for one in courses.values() for name in one.data_vars if str(name).startswith(_FORCE)}
    return out + [(what, f"Voluntary force lost, {one.attrs['muscle']}", "1", "") for what, one in sorted(weak.items())]


def _measures(course: xarray.Dataset, what: str, limb: str, span: tuple[float, float]) -> dict[str, np.ndarray]:
    """Return measures of each possible person: the last value and the mean of a score, the highest of a risk."""
    at_h, people = course["time_h"].to_numpy(), course.sizes["patient"]
    if what not in course:
        return {"highest": np.zeros(people)}
    part = course[what].sel(limb=limb) if limb else course[what]
    if "patient" not in part.dims:
        part = part.expand_dims(patient=people)
    values = part.transpose("time_h", "patient").to_numpy().astype(float)
    known = np.isfinite(values).all(axis=1) & (at_h >= span[0]) & (at_h <= span[1])
    at_h, values = at_h[known], values[known]
    if what in _RISKS or what.startswith(_FORCE):
        return {"highest": (1.0 - values if what.startswith(_FORCE) else values).max(axis=0)}
    return {"last": values[-1], "mean": mean_over_time(at_h, values)}


def _spread(values: np.ndarray, names: tuple[str, str, str]) -> dict[str, float]:
    """Return the ends of the middle 95 % over possible people and the median, by name."""
    return dict(zip(names, np.quantile(values, MIDDLE_95).tolist(), strict=True))
