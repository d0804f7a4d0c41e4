"""The tables that agencies ask for, filled from evidence: ICH M15, ASME V&V 40, the eight categories of the FDA."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from eutonia.errors import StudyError, unknown
from eutonia.report.credibility import domain
from eutonia.report.credibility.evidence import UNREAD, Evidence
from eutonia.report.credibility.tests_of import matching

LEVELS = ("low", "medium", "high")
#: Risk by influence and consequence: the higher of both where they differ by one, the middle where by two.
_RISK = {("low", "low"): "low", ("low", "high"): "medium", ("high", "low"): "medium"}
_MOST = 6
_EFFECTS = ("tone_bolus", "tone_steady", "oral_effect", "reflex")
#: What the names of tests say that are evidence of one thing; a word alone would take tests of other things along.
STEPS = r"halving_|half_the_step|steps_half|step_changes|whatever_the_step|finer_grids|fine_steps|stepped_(ramp|limb)"
BITS = r"same_bits|change_no_bit|in_32_bit_changes|in_any_block|one_block|blocks_of_(any|one)"
USE = r"_refused|names_the_nearest"
EMERGES = r"_overshoots|of_the_rebound|clonus_(needs|slows|comes_with)"
Row = dict[str, str]


def risk(influence: str, consequence: str) -> str:
    """Return the risk of a model by its influence on a decision and what a wrong decision would do.

    Raises
    ------
    StudyError
        No such level.
    """
    for what, given in (("influence", influence), ("consequence", consequence)):
        if given not in LEVELS:
            raise StudyError(unknown(what, given, LEVELS, "Choose one of them."))
    both = (influence, consequence)
    return _RISK.get(both, max(both, key=LEVELS.index))


def m15(found: Evidence, influence: str, consequence: str) -> list[Row]:
    """Return the assessment table of ICH M15: one row an element."""
    asked, run = found.asked, found.asked.run
    beyond = "; ".join(run.get("beyond_label") or ())
    use = [", ".join(part) for part in (asked.scales, asked.visits, asked.arms) if part]
    context = f"Predicts {use[0]}" if use else "Virtual trials and what-if cases of antispastic treatment"
    if len(use) > 1:
        context += f", at {use[1]}" + (f", in {use[2]}" if len(use) > 2 else "")
    own = found.own_papers()
    judged = own or found.graded(trials=True)
    of = "of this study" if own else "of the shipped trials, none of which is this study"
    rows = [
        ("Question of interest", asked.question or asked.title),
        ("Context of use", f"{context}. {asked.intervals}".strip()),
        ("Model influence", f"{influence}: set by whoever asks; research and teaching need no more than low"),
        (
            "Consequence of a wrong decision",
            f"{consequence}: set by whoever asks; no care may rest on it",
        ),
        ("Model risk", f"{risk(influence, consequence)}: by influence and consequence together"),
        ("Model impact", f"beyond the label ({beyond})" if beyond else "within the label, as far as the run tells"),
        ("Evaluation plan", _plan(found)),
        ("Evaluation outcome", f"{_outcome(judged)} ({of})" if judged else "no published result is on record"),
    ]
    return [{"element": name, "assessment": text} for name, text in rows]


def _plan(found: Evidence) -> str:
    criteria = found.criteria
    sizes = sorted({one.reason for one in criteria.margins})
    return (
        f"Margins stated on {criteria.stated}, before the results on record: {'; '.join(sizes)}; 95 % intervals; CRPS"
    )


def _outcome(rows: Sequence[Mapping[str, Any]]) -> str:
    grades, margins = Counter(one["grade"] for one in rows), Counter(one["equivalence"] for one in rows)
    by_margin = ", ".join(f"{count} {name}" for name, count in margins.most_common())
    return f"{grades['reproduces']} of {len(rows)} inside the interval, {grades['does not']} missed; {by_margin}"


def _told(names: Sequence[str], what: str) -> str:
    """Return how many there are of something, and some of their names."""
    if not names:
        return ""
    shown = "; ".join(name.removeprefix("test_").replace("_", " ") for name in names[:_MOST])
    return f"{len(names)} {what}: {shown}" + ("; and more" if len(names) > _MOST else "")


def _tests(found: Evidence, folder: str) -> str:
    files = [file for file in found.tests if file.folder == folder]
    if not files:
        return ""
    count, names = sum(len(file.tests) for file in files), [file.name.removeprefix("test_") for file in files]
    shown = ", ".join(names[:_MOST]) + (", and more" if len(names) > _MOST else "")
    return f"{count} tests in {len(files)} files ({shown})"


def _statuses(found: Evidence) -> str:
    return ", ".join(f"{count} {status}" for status, count in found.by_status().items())


def _domain(found: Evidence) -> str:
    if not found.asked.run:
        return ""
    return "; ".join(f"{one.what}: {domain.sentence(one)}" for one in found.domain())


def _papers(found: Evidence, *, trials: bool) -> str:
    rows = found.graded(trials=trials)
    return _outcome(rows) if rows else ""


def factors(found: Evidence) -> list[Row]:
    """Return the credibility factors of ASME V&V 40, each with what there is for it; an empty cell is a gap."""
    t = found.tests
    rows = [
        ("Code verification", "Software quality assurance", _tests(found, "interfaces") or _tests(found, "unit")),
        ("Code verification", "Numerical code verification", _tests(found, "oracles")),
        ("Calculation verification", "Discretisation error", _told(matching(t, STEPS), "tests")),
        ("Calculation verification", "Numerical solver error", _told(matching(t, BITS), "tests")),
        ("Calculation verification", "Use error", _told(matching(t, USE), "tests")),
        ("Validation: model", "Model form", _tests(found, "laws")),
        ("Validation: model", "Model inputs", _statuses(found)),
        ("Validation: comparator", "Test samples", _calibration(found)),
        ("Validation: comparator", "Test conditions", _routes(found)),
        ("Validation: assessment", "Equivalency of inputs", _distances(found)),
        ("Validation: assessment", "Output comparison", _papers(found, trials=True)),
        ("Applicability", "Relevance of the quantities of interest", _relevance(found)),
        ("Applicability", "Relevance of the validation to the context of use", _domain(found)),
    ]
    return [{"activity": activity, "factor": name, "evidence": text} for activity, name, text in rows]


def categories(found: Evidence) -> list[Row]:
    """Return evidence by the eight categories of the FDA's guidance of 2023; an empty cell is a gap."""
    scripts = ", ".join(f"{name} ({count})" for name, count in found.fitted_by().items())
    read = sum(record.status in ("verified", "secondary") for record in found.records)
    laws = sum(len(file.tests) for file in found.tests if file.folder == "laws")
    plausible = f"{read} of {len(found.records)} numbers read in a source; {laws} tests of laws of nature"
    verification = _told(matching(found.tests, f"{STEPS}|{BITS}"), "tests")
    more = f"{found.asked.intervals}; {verification}" if found.asked.intervals else verification
    rows = [
        ("Code verification results", _tests(found, "oracles")),
        ("Model calibration evidence", f"{len(found.calibration)} rows of data; numbers fitted by {scripts}"),
        ("Bench test validation results", ""),
        ("In vivo validation results", _papers(found, trials=False)),
        ("Population-based validation results", _papers(found, trials=True)),
        ("Emergent model behaviour", _told(matching(found.tests, EMERGES), "tests")),
        ("Model plausibility", plausible),
        ("Calculation verification and uncertainty of the run", more),
    ]
    return [
        {"category": str(place), "name": name, "evidence": text} for place, (name, text) in enumerate(rows, start=1)
    ]


def _calibration(found: Evidence) -> str:
    studies = {row["study"] for row in found.calibration}
    people = [int(float(row["n"])) for row in found.calibration if row["n"]]
    return f"{len(found.calibration)} rows of {len(studies)} sources, of up to {max(people):,} people" if people else ""


def _routes(found: Evidence) -> str:
    routes = Counter(row["route"].partition(" ")[0] for row in found.calibration if row["route"])
    return ", ".join(f"{route} {count}" for route, count in routes.most_common(_MOST))


def _distances(found: Evidence) -> str:
    counts = found.by_distance()
    return "; ".join(f"{name}: {count}" for name, count in list(counts.items())[:_MOST])


def _relevance(found: Evidence) -> str:
    own, told = found.own_papers(), []
    if own:
        told.append(f"{len(own)} published results of this study itself are on record")
    if found.asked.origin in domain.STROKES:
        effects = [row for row in found.calibration if row["layer"] in _EFFECTS]
        after = sum(domain.is_of_stroke(row) for row in effects)
        told.append(f"{after} of {len(effects)} rows of effects are of people after a stroke")
    return "; ".join(told)


def missing(found: Evidence, rows: Sequence[Row]) -> list[str]:
    """Return what there is no evidence for, in sentences; `rows` are `factors` and `categories`."""
    status = found.by_status()
    told = [f"{row.get('factor') or row['name']}: nothing was found." for row in rows if not row["evidence"]]
    if not found.tests:
        told.append("The tests are not in this installation; they stand in the source of this version.")
    unread = " and ".join(f"{status[name]} {name}" for name in UNREAD if status.get(name))
    if unread:
        told.append(f"Of {len(found.records)} numbers {unread} were read in no source.")
    of, first = found.influential
    if first:
        names = found.unread_and_influential()
        said = "; ".join(names) if names else "none"
        told.append(f"Of the ten numbers that move predictions most (screen of {of}) read in no source: {said}.")
    else:
        told.append("Which numbers move predictions like these most was never screened: eutonia sensitivity does it.")
    if found.asked.run:
        told += [f"{one.what.capitalize()}: {domain.sentence(one)}." for one in found.domain() if one.outside != 0.0]
    outside = [key for key, one in found.papers["results"].items() if one["equivalence"] == "outside" and one["crps"]]
    if outside:
        told.append(f"Published results of trials outside their margin: {'; '.join(outside)}.")
    return told + list(found.asked.caveats)
