"""What a reader takes away: what was found, what it costs, and how much of it is known, in a few sentences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from eutonia import parameters
from eutonia._middle import over_people
from eutonia.assessment.scales import SCALES
from eutonia.parameters import influence
from eutonia.parameters.record import DISTANCES, NOT_SAID
from eutonia.report import words
from eutonia.report.plain import ASKED, FOUND, PRICE, SURE, UNREAD, rests_on
from eutonia.report.trial import failures
from eutonia.trial.result import Quantity, StudyResult
from eutonia.trial.withdrawal import SAID_MV, SAID_SHARE

_MOST_FAR = 4
# What another arm moves later than the leading one, as a share of what that one moves, before it is told.
_CLEAR = 0.2


def plain(result: StudyResult) -> list[tuple[str, str]]:
    """Return what was asked, what was found, what it costs and how sure it is, each in a sentence with its name."""
    failed = failures.sentence(result)
    price = " ".join([*_harm(result), *([failed] if failed else [])])
    return [
        (ASKED, _asked(result)),
        (FOUND, headline(result)),
        (PRICE, price or _no_harm(result)),
        (SURE, rests_on(result.run)),
    ]


def _asked(result: StudyResult) -> str:
    """Return the question of a study."""
    if result.kind == "case":
        people, time = result.course.sizes.get("patient", 1), result.course["time_h"]
        span = words.moment(float(time.max() - time.min()))
        who = f"{people} possible people, who share what is known, were" if people > 1 else "One possible person was"
        return f"What becomes of one person in {span}? {who} followed."
    arms = words.unique(quantity.arm for quantity in result.quantities if quantity.arm)
    names = [f"“{arm}”" for arm in arms[:4]] + ["others"] * (len(arms) > 4)
    who = " and ".join(", ".join(part) for part in (names[:-1], names[-1:]) if part)
    what = f"What {'do' if len(names) > 1 else 'does'} {who} do" if names else "What happens"
    replicates = result.run.get("replicates")
    often = f"repeated {words.count(float(replicates))} times, with other people" if replicates else ""
    times = f" The trial was {often if replicates != 1 else 'run once'}." if replicates else ""
    return f"{what} in people like those of this trial?{times}"


def further(result: StudyResult) -> list[str]:
    """Return what else there is to know of how sure a result is."""
    change = [_change(result)] if result.compared else []
    return [*change, *_width(result), *_influential(result), *_far(result)]


def sentences(result: StudyResult) -> list[str]:
    """Return what the headline leaves out: the change where it tells of published results, the most likely harm, and
    how many numbers nobody has read in a source.
    """
    found = [_change(result)] if result.compared else []
    failed = failures.sentence(result)
    return [*found, *_harm(result), *([failed] if failed else []), *_width(result), *_known(result)]


def _width(result: StudyResult) -> list[str]:
    """Return what the intervals of a trial hold, and what makes them as wide as they are."""
    told = dict(result.run.get("numbers") or {})
    if not told:
        return []
    if told["parameters"] == "frozen":
        return [
            "Intervals hold the luck of the sample and differences between sites, not what is unknown of the numbers "
            f"of the science: those are held at their records ({told['why']})."
        ]
    drawn = f"{told['draws']} draws from what the calibration leaves open, {told['title']}"
    said = f"Intervals hold the luck of the sample, what is unknown of the numbers of the science ({drawn}) and"
    found = [f"{said} differences between sites; the policy of dosing is held as the study file says."]
    shares = dict(told["width"])
    if shares.get("sample") is not None:
        errors = told["width_error"]
        parts = ", ".join(
            f"{100 * share:.0f}%{'' if errors[name] is None else f' ± {100 * errors[name]:.0f}'} {name}"
            for name, share in shares.items()
        )
        found.append(f"Of the variance between trials, on average over the results: {parts}.")
    if told["refused"]:
        found.append(
            f"Under {told['refused']} of the draws this population could not have the published entry scores: their "
            "trials have the numbers of the records."
        )
    if told["set_by_hand"]:
        found.append(f"Not drawn, because set by hand: {', '.join(told['set_by_hand'])}.")
    return found


def _harm(result: StudyResult) -> list[str]:
    """Return the likeliest reaction to the drug: of a trial the share of people, of a case the risk within a day, and
    what a stop brings.
    """
    if result.kind == "case":
        return [*_drowsiness(result), *_of_the_stop(result)]
    if result.adverse is None:
        return []
    rows = [
        row
        for row in result.adverse.drop_nulls("share").drop_nans("share").iter_rows(named=True)
        if (row["phase"], row["arm"]) not in result.placebo_arms
    ]
    if not rows:
        return []
    row = max(rows, key=lambda one: float(one["share"]))
    if words.number(100.0 * row["share"]) == words.number(0.0):
        return []
    share, bottom, top = (words.number(100.0 * row[key]) for key in ("share", "low", "high"))
    reaction = words.lower(words.label(row["reaction"]))
    people = f"{share}% of people ({bottom} to {top}) in {row['arm']}"
    return [f"The adverse reaction that is predicted most often is {reaction}: {people}."]


def _no_harm(result: StudyResult) -> str:
    """Return what is said where no harm is told: that nobody asked for it is no finding."""
    if result.kind == "trial" and result.adverse is None:
        return "This study does not ask for adverse reactions: they are not among its scales."
    return "No adverse reaction is predicted here; that is no sign that there is none."


def _drowsiness(result: StudyResult) -> list[str]:
    """Return the highest risk of drowsiness of a case, or what a level of poisoning means; nothing without a risk."""
    found = _highest(result, "risk_drowsiness", 100.0)
    if found is None:
        return []
    if poisoned := _poisoned(result):
        return [poisoned]
    middle, spread = found
    if words.number(middle) == words.number(0.0):
        return []
    return [f"The risk of drowsiness within a day is highest at {words.number(middle)}% ({spread})."]


def _of_the_stop(result: StudyResult) -> list[str]:
    """Return what a stop brings in a case: the severe form of withdrawal, and tone above its untreated level."""
    said = []
    severe = _highest(result, "withdrawal_severe", 100.0)
    if severe is not None and severe[0] >= 100.0 * SAID_SHARE:
        said.append(
            f"The risk that the stop brings severe withdrawal is highest at {words.number(severe[0])}% ({severe[1]})."
        )
    limbs = result.course["limb"].values if "rebound" in result.course else ()
    risen = {str(limb): found for limb in limbs if (found := _highest(result, "rebound", limb=str(limb)))}
    if risen:
        limb = max(risen, key=lambda one: risen[one][0])
        middle, spread = risen[limb]
        if middle >= SAID_MV:
            said.append(
                f"Tone of the {limb} rebounds by {words.number(middle)} mV above its untreated level ({spread})."
            )
    return said


def _highest(result: StudyResult, name: str, factor: float = 1.0, limb: str = "") -> tuple[float, str] | None:
    """Return the middle person of a course where that is highest, and in words the middle 95% of people there and when;
    None without it.
    """
    if name not in result.course:
        return None
    values = result.course[name].sel(limb=limb) if limb else result.course[name]
    spread = factor * over_people(values.transpose("patient", "time_h").to_numpy())
    place = int(np.nanargmax(spread[1]))
    low, middle, high = spread[:, place].tolist()
    at = words.when(float(result.course["time_h"][place]), words.time_unit(float(result.course["time_h"].max())))
    return middle, f"{words.interval(low, high)}; {at}" if low != high else at


def _known(result: StudyResult) -> list[str]:
    """Return how many numbers a run rests on, and what is known of those that matter most."""
    told = rests_on(result.run)
    return [told, *_influential(result), *_far(result)] if told else []


def _influential(result: StudyResult) -> list[str]:
    """Return which of the ten numbers that move predictions like these most nobody has read in a source."""
    if "study_text" not in result.run or result.scores.is_empty:
        return []  # of another use than spasticity nothing like them is predicted
    of, names = influence.most(result.study_name, influence.kind_of(result.kind, str(result.run["study_text"])))
    if not of:
        return []
    known = influence.records(names)
    told = "; ".join(f"{words.lower(one.label)} ({one.status})" for one in known if one.status in UNREAD)
    whose = "these predictions" if of == result.study_name else f"predictions like these ({of})"
    if not told:
        return [f"None of the ten numbers that move {whose} most is assumed or recalled."]
    return [f"Among the ten numbers that move {whose} most, these are read in no source: {told}."]


def _far(result: StudyResult) -> list[str]:
    """Return how many of the numbers with a source were measured in or on something else than their use."""
    counts = {str(word): int(amount) for word, amount in dict(result.run.get("counts_by_distance") or {}).items()}
    far = {word: counts[word] for word in DISTANCES if word != "none" and counts.get(word)}
    if not counts:
        return []
    most = sorted(far, key=lambda word: -far[word])[:_MOST_FAR]
    told = "; ".join(f"{DISTANCES[word]}: {far[word]}" for word in most)
    near = f"{counts.get('none', 0)} were measured as they are used"
    unsaid = f", and of {counts[NOT_SAID]} it is not said" if counts.get(NOT_SAID) else ""
    return [f"Of those with a source {near}{f', others elsewhere ({told})' if told else ''}{unsaid}."]


def headline(result: StudyResult) -> str:
    """Return the one sentence that a reader should take away."""
    compared = result.compared
    if compared:
        if result.withheld:
            return f"No verdict on {len(compared)} published results: {result.withheld}."
        grades = result.grades
        level = f"{compared[0].level:.0%}"
        judged = sum(grades.values())
        said = f"{grades['reproduces']} of {judged} published results lie inside the predicted {level} interval"
        if grades["in range"]:
            said += f", {grades['in range']} more within the published standard error"
        if judged < len(compared):
            reasons = words.unique(quantity.withheld for quantity in compared if quantity.withheld)
            said += f" ({len(compared) - judged} without a verdict: {', '.join(reasons)})"
        missed = [quantity for quantity in compared if quantity.grade == "does not"]
        if not missed:
            return f"{said}; none was missed."
        names = "; ".join(words.lower(words.quantity_label(quantity)) for quantity in missed[:2])
        more = f"; and {len(missed) - 2} more" if len(missed) > 2 else ""
        return f"{said}, and {len(missed)} {'was' if len(missed) == 1 else 'were'} missed ({names}{more})."
    return _change(result)


def _importance(quantity: Quantity) -> tuple[int, bool]:
    """Return the rank of a score in a headline: in the order of the scales, and the leg before the arm."""
    order = {scale: rank for rank, scale in enumerate(SCALES)}
    return order.get(quantity.scale, len(order)), quantity.limb != "leg"


def _asked_first(result: StudyResult, rows: Sequence[Quantity]) -> Quantity | None:
    """Return a row of the score that the first endpoint of the analysis is of; None without one."""
    if result.analysed is None:
        return None
    first = result.analysed.trials.row(0, named=True)
    return next((q for q in rows if (q.scale, q.limb or "") == (first["scale"], first["limb"] or "")), None)


def _change(result: StudyResult) -> str:
    """Return how the score that matters most moved, in the arm where it moved most; with nothing published."""
    rows = [q for q in result.quantities if q.statistic == "mean" and math.isfinite(q.mean)]
    if not rows:
        return _exposure(result) or "Predicted course; nothing published to hold it against."
    lead = _asked_first(result, rows) or min(rows, key=_importance)
    groups: dict[tuple[str, str, str | None, str], list[Quantity]] = {}
    same = [row for row in rows if (row.limb, row.scale) == (lead.limb, lead.scale)]
    for row in same:
        groups.setdefault((row.phase, row.arm, row.limb, row.scale), []).append(row)
    sorted_groups = [sorted(group, key=lambda q: q.time_h) for group in groups.values()]
    series = max(sorted_groups, key=lambda group: max(abs(q.mean - group[0].mean) for q in group))
    first, last = series[0], series[-1]
    peak = max(series, key=lambda q: abs(q.mean - first.mean))
    arm = f" ({first.arm})" if first.arm and result.kind == "trial" else ""
    what = words.scale_label(first.limb, first.scale) + arm

    def at(row: Quantity) -> str:
        told = (
            words.when(row.time_h, words.time_unit(series[-1].time_h))
            if result.kind == "case"
            else words.visit(row.visit)
        )
        factor, unit = words.shown_unit(row)
        return f"{words.with_unit(words.number(factor * row.mean), unit)} ({told})"

    if len(series) == 1:
        return f"{what} is predicted at {at(first)}."
    if result.kind == "case" and (begun_h := result.course.attrs.get("treated_from_h")) is not None:
        before, after = ([q for q in series if (q.time_h <= begun_h) is is_before] for is_before in (True, False))
        if before and after:
            return _with_the_drug(result, what, before[-1], after, at)
    others = [group for group in sorted_groups if group is not series and group[0].phase == first.phase]
    then = [next((q for q in group if q.visit == peak.visit), group[-1]) for group in others[:3]]
    # Another arm that goes on to move, such as one that is treated late, is told to its end.
    beside = ""
    for q, group in zip(then, others, strict=False):
        goes_on = abs(group[-1].mean - q.mean) > _CLEAR * abs(peak.mean - first.mean)
        beside += f"; {q.arm} from {at(group[0])} to {at(q)}{f', last seen at {at(group[-1])}' if goes_on else ''}"
    if peak.time_h == last.time_h or peak.mean == last.mean:
        return f"{what} is predicted to go from {at(first)} to {at(last)}{beside}."
    return f"{what} is predicted to go from {at(first)} to {at(peak)}, last seen at {at(last)}{beside}."


def _poisoned(result: StudyResult) -> str:
    """Return what a level of poisoning means for the risks, which do not know it; nothing where no level is one."""
    ends = parameters.load("adverse").values(overdose_level_low="ng/mL", overdose_level_high="ng/mL")
    found = _highest_level(result)
    if found is None or found[0] < ends[0]:
        return ""
    told = f"{found[1]} " if result.quantities else ""  # else the headline says it
    return (
        f"{told}Acute poisonings had {words.number(ends[0])} to {words.number(ends[1])} ng/mL, with coma and seizures. "
        "The risk of drowsiness that is drawn below only goes on in a straight line from the doses of the label, and "
        "tells far too little."
    )


def _highest_level(result: StudyResult) -> tuple[float, str] | None:
    """Return the highest level in plasma of the middle person, ng/mL, and a sentence of it; None of a trial."""
    name = "plasma_peak" if "plasma_peak" in result.course else "plasma"
    if result.kind != "case":
        return None
    found = _highest(result, name)
    return found and (found[0], f"Baclofen in plasma is highest at {words.number(found[0])} ng/mL ({found[1]}).")


def _exposure(result: StudyResult) -> str:
    """Return the highest level of a case of whom no score is shown; nothing for a trial, or without tablets."""
    found = _highest_level(result)
    return "" if found is None else f"{found[1]} No effect is predicted."


def _with_the_drug(
    result: StudyResult, what: str, before: Quantity, after: Sequence[Quantity], at: Callable[[Quantity], str]
) -> str:
    """Return how a score stood before treatment, how low and how high it went with it, and where it is last seen."""
    low, high, last = min(after, key=lambda q: q.mean), max(after, key=lambda q: q.mean), after[-1]
    said = f"{what} is predicted at {at(before)} before treatment; then, at visits, between {at(low)} and {at(high)}"
    given = result.doses.filter(result.doses["time_h"] <= high.time_h)
    if not given.is_empty() and given.group_by("unit").tail(1)["mean"].max() == 0:
        said += ", when no drug is given"
    return f"{said}; last seen at {at(last)}.{_blocked(result)}"


def _blocked(result: StudyResult) -> str:
    """Return how much of the force of the most blocked muscle group is gone at most, reflex and will; or nothing."""
    found = {}
    for key in (str(name) for name in result.course.data_vars if str(name).startswith("blockade_")):
        middle = result.course[key].median("patient").to_numpy()
        found[key] = float(middle.max()), float(result.course["time_h"][int(middle.argmax())])
    if not found:
        return ""
    key = max(found, key=lambda one: found[one][0])
    share, time_h = found[key]
    will = result.course.get(key.replace("blockade", "force"))
    left = 1.0 if will is None else float(will.median("patient").sel(time_h=time_h))
    span = words.time_unit(float(result.course["time_h"].max()))
    return (
        f" At most {share:.0%} of the reflex force of the {result.course[key].attrs['muscle']} is blocked "
        f"({words.when(time_h, span)}); their voluntary force is then {left:.0%} of what it was."
    )
