"""The report as one HTML file that opens offline: what was predicted, what was published, what it rests on."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from eutonia._hours import HOURS_A_DAY
from eutonia.report import basis, chain, plain, short, words
from eutonia.report.case import figure as case
from eutonia.report.case import lesion_map, middles
from eutonia.report.examination import words as examined
from eutonia.report.pump import broken_rules
from eutonia.report.trial import aggregate, failures, figures
from eutonia.trial.predictors import ALL, CHART
from eutonia.trial.result import Quantity, StudyResult
from eutonia.trial.withdrawal import what_it_misses

if TYPE_CHECKING:
    import jinja2

    from eutonia.report.trial.aggregate import Individuals, Series
    from eutonia.report.trial.figures import ArmStyles

_DOI = re.compile(r"\b10\.\d{4,9}/[^\s<>\"]+[^\s<>\".,;)]")
_MOST_ROWS = 400


@dataclass(frozen=True)
class Cell:
    """Share of patients with a reaction: in words, and as a bar in percent."""

    text: str
    interval: str
    percent: float


def html(result: StudyResult, changes: Sequence[Individuals] | None = None) -> str:
    """Return the whole report of `result` as one HTML text with everything inside; `changes` of individuals where they
    are counted already.

    The page loads nothing: its policy forbids it. All text is escaped, so a study's title cannot become markup.
    """
    return render("report.html.jinja", context(result, changes))


def render(template: str, words_and_drawings: Mapping[str, Any], *, homes: Sequence[str] = ("eutonia.report",)) -> str:
    """Return one of the pages of the packages `homes`, filled in; micrograms are "mcg" wherever they come from."""
    return words.clinic(_environment(tuple(homes)).get_template(template).render(words_and_drawings)) + "\n"


@functools.cache
def _environment(homes: tuple[str, ...]) -> jinja2.Environment:
    """Return what fills in the templates of some packages; each of them is read and compiled once."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(home, "templates") for home in homes]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["linked"] = _linked
    environment.filters["anchor"] = _anchor
    return environment


def context(result: StudyResult, changes: Sequence[Individuals] | None = None) -> dict[str, Any]:
    """Return everything that the template prints, as words and finished drawings."""
    command = str(result.run.get("command") or f"eutonia run {result.study_name}.toml")
    told = middles.of(result)
    shared: dict[str, Any] = basis.of_run(result.run, command) | {
        "result": result,
        "grades": [
            (grade, amount, words.VERDICTS[grade], words.GRADES[grade]) for grade, amount in result.grades.items()
        ],
        "compared": sum(result.grades.values()),
        "facts": _facts(result),
        "phases": _compared_phases(result),
        "everything": [_row(quantity, {}) for quantity in result.quantities[:_MOST_ROWS]],
        "has_arms": result.kind == "trial" and any(quantity.arm for quantity in result.quantities),
        "left_out": max(len(result.quantities) - _MOST_ROWS, 0),
        "adverse": _adverse(result),
    }
    courses, whose = chain.traced(result.course) if result.kind == "trial" else ({"": result.course}, "")
    shared |= plain.context(
        result.kind,
        short.plain(told),
        scales=words.unique(quantity.scale for quantity in result.quantities),
        courses=courses,
        limb=chain.limb_of([quantity.limb for quantity in result.quantities if quantity.limb]),
        more=short.further(told),
        whose=whose,
    )
    figures = _trial_figures(result, changes) if result.kind == "trial" else _case_figures(result)
    return shared | figures | broken_rules.context(result) | failures.context(result)


def _trial_figures(result: StudyResult, changes: Sequence[Individuals] | None) -> dict[str, Any]:
    from eutonia.report.trial import analysis_words, consort, dose_finding, individuals, n_of_1

    phases = words.unique(q.phase for q in result.quantities)
    styles = figures.arm_styles(result)
    series, responses = aggregate.series(result), aggregate.responses(result) if changes is None else changes
    people = aggregate.treated(result)
    features = aggregate.features(people)
    return {
        "consort": consort.diagram(result.consort),
        "given": [(words.when(time_h), label) for time_h, label in result.events],
        "scores": _scores(result, phases, series, styles),
        "doses": figures.doses(result, styles),
        "dosed": _dosed(result, styles),
        "responses": [
            (phase, _legend(styles, phase), drawings)
            for phase in phases
            if (drawings := individuals.responses(responses, styles, phase))
        ],
        "features": individuals.features(people, features),
        "endpoint": result.endpoint,
        "responders": _responders(result),
        "separates": _separates(features),
        "predicts": _predicts(result),
        **analysis_words.context(result.analysed),
        **dose_finding.context(result),
        **n_of_1.context(result),
    }


def _scores(result: StudyResult, phases: Sequence[str], series: Sequence[Series], styles: ArmStyles) -> list[Any]:
    """Return for each phase its legend, its panels and whether anything published is drawn in them."""
    reported = {quantity.phase for quantity in result.compared if quantity.statistic == "mean"}
    drawn = [(phase, figures.scores(series, styles, phase)) for phase in phases]
    return [(phase, _legend(styles, phase), panels, phase in reported) for phase, panels in drawn if panels]


def _case_figures(result: StudyResult) -> dict[str, Any]:
    whole, zooms, more = case.drawings(result)
    unit = words.time_unit(float(result.course["time_h"].max() - result.course["time_h"].min()))
    events = [
        (
            number,
            words.when(time_h, unit),
            f"day {time_h / HOURS_A_DAY:.0f}" if unit.hours > 24 else "",
            words.said(label),
        )
        for number, (time_h, label) in enumerate(sorted(result.events, key=lambda event: event[0]), start=1)
    ]
    return {
        "timeline": whole,
        "is_exposure": result.scores.is_empty,
        "lesion": lesion_map.of(result.lesion),
        "missing": what_it_misses([result.course]),
        "zooms": zooms,
        "more": more,
        "swings": any(str(name).endswith("_trough") for name in result.course.data_vars),
        "people": int(result.course.sizes.get("patient", 1)),
        "events": events,
        "examined": examined.sections(result.findings),
        "milestones": _milestones(middles.of(result)),
        "endpoint": result.endpoint,
        "chances": _chances(result),
        "predicts": _predicts(result),
    }


def _compared_phases(result: StudyResult) -> list[tuple[str, list[dict[str, str]], Any, list[tuple[str, str]]]]:
    """Return for each phase the rows with a published value, their figure, and the notes below the table."""
    out = []
    for index, phase in enumerate(words.unique(q.phase for q in result.compared)):
        rows = [q for q in result.compared if q.phase == phase]
        notes = words.unique(q.published.note for q in rows if q.published is not None and q.published.note)
        marks = {note: _letter(number) for number, note in enumerate(notes)}
        shown = [_row(q, marks) for q in rows]
        drawn = figures.forest(rows, f"forest-{index}", phase)
        out.append((words.label(phase), shown, drawn, [(mark, note) for note, mark in marks.items()]))
    return out


def _letter(number: int) -> str:
    """Return the mark of a note: a to z, then numbers."""
    return chr(ord("a") + number) if number < 26 else str(number)


def _row(quantity: Quantity, marks: Mapping[str, str]) -> dict[str, str]:
    """Return one line of the table of predictions, in words."""
    published, error = quantity.published, quantity.published_standard_error
    factor, unit = words.shown_unit(quantity)
    values = (
        quantity.mean,
        quantity.low,
        quantity.high,
        quantity.baseline_mean,
        published.value if published else None,
        error,
    )
    mean, low, high, baseline, reported, spread = words.alike(
        None if value is None else factor * value for value in values
    )
    distance = factor * (quantity.distance or 0.0)
    outside = words.number(distance) if distance >= 100 else f"{distance:.2g}"
    return {
        "what": words.quantity_label(Quantity(**{**vars(quantity), "visit": ""})),
        "arm": quantity.arm,
        "visit": words.visit(quantity.visit) or "–",
        "predicted": words.with_unit(mean, unit),
        "interval": "" if quantity.low == quantity.high else f"{low} to {high}",
        "baseline": "" if quantity.baseline_mean is None else baseline,
        "published": words.with_unit(reported, unit) if published else "–",
        "error": f"± {spread}" if error is not None else "",
        "n": str(published.n) if published and published.n else "",
        "source": published.source if published else "",
        "status": published.status if published else "",
        "mark": marks.get(published.note, "") if published else "",
        "grade": quantity.grade or "",
        "verdict": "–" if published is None else words.verdict(quantity.grade),
        "agreement": "" if not quantity.distance or quantity.withheld else f"outside, by {outside}",
    }


def _facts(result: StudyResult) -> list[tuple[str, str]]:
    """Return the few numbers that belong beside the title."""
    run = result.run
    facts = [("Study", result.study_name)]
    if result.kind == "trial":
        if result.scores.people:
            replicates = run.get("replicates") or result.visits["replicate"].n_unique()
            facts.append(("Replicate trials", words.count(float(replicates))))
            facts.append(("Virtual patients", words.count(result.scores.people)))
    else:
        span = float(result.course["time_h"].max() - result.course["time_h"].min())
        facts += [("Followed for", words.moment(span)), ("Events", str(len(result.events)))]
    if named := run.get("oral_model"):
        facts.append(("Tablets", str(named).partition(": ")[2]))
    return [*facts, ("Numbers behind it", str(sum(amount for _, amount in words.status_counts(run))))]


def _legend(styles: Mapping[tuple[str, str], tuple[str, str]], phase: str) -> list[tuple[str, str, str]]:
    return [(arm, token, dash) for (where, arm), (token, dash) in styles.items() if where == phase]


def _dosed(result: StudyResult, styles: Mapping[tuple[str, str], tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Return the legend of the doses: the arms that are given any, where there are several arms to tell apart."""
    if result.doses.is_empty():
        return []
    given = list(result.doses.select("phase", "arm").unique(maintain_order=True).iter_rows())
    is_one_phase = len({phase for phase, _ in given}) == 1
    if is_one_phase and sum(phase == given[0][0] for phase, _ in styles) < 2:
        return []
    names = [arm if is_one_phase else f"{words.label(phase)}: {arm}" for phase, arm in given]
    return [(name, *styles[key]) for name, key in zip(names, given, strict=True) if key in styles]


def _adverse(result: StudyResult) -> dict[str, Any] | None:
    """Return the adverse reactions as a table: one row a reaction, one column a phase and arm."""
    if result.adverse is None or result.adverse.is_empty():
        return None
    columns = aggregate.adverse_columns(result.adverse)
    rows: dict[str, dict[tuple[str, str], Cell]] = {}
    for row in result.adverse.iter_rows(named=True):
        rows.setdefault(words.label(str(row["reaction"])), {})[str(row["phase"]), str(row["arm"])] = _share_cell(row)
    heads = [" · ".join(words.label(part) for part in words.unique(column) if part) for column in columns]
    return {"heads": heads, "rows": [(name, [cells.get(column) for column in columns]) for name, cells in rows.items()]}


def _share_cell(row: Mapping[str, Any]) -> Cell:
    """Return a share with its interval; where nobody knows it, the cell says so."""
    text, low, high = (words.percent(row[key]) for key in ("share", "low", "high"))
    if text == words.MISSING:
        return Cell("not known", "", 0.0)
    return Cell(f"{text}%", f"{low} to {high}", 100 * row["share"])


def _responders(result: StudyResult) -> dict[str, Any] | None:
    """Return the share that responds: one row an arm, one column a rule, the drug beside its placebo."""
    if result.responders is None or result.responders.is_empty():
        return None
    rules = words.unique(result.responders["rule"])
    rows: dict[tuple[str, bool], dict[str, Cell]] = {}
    people: dict[str, str] = {}
    for row in result.responders.iter_rows(named=True):
        rows.setdefault((row["arm"], row["placebo"]), {})[row["rule"]] = _share_cell(row)
        people[row["arm"]] = words.count(row["n"])
    return {
        "heads": [words.capital(rule) for rule in rules],
        "rows": [
            (arm, placebo, people[arm], [cells.get(rule) for rule in rules]) for (arm, placebo), cells in rows.items()
        ],
    }


def _chances(result: StudyResult) -> list[tuple[str, Cell]]:
    """Return the chance of a response of a case: each rule in words, and the share of the possible people."""
    if result.responders is None:
        return []
    return [(words.capital(row["rule"]), _share_cell(row)) for row in result.responders.iter_rows(named=True)]


def _predicts(result: StudyResult) -> str:
    """Return how much of the improvement is explained by what a chart holds, and by what only the model knows."""
    if result.predictors is None:
        return ""
    rows = {str(row["predictor"]): row for row in result.predictors.iter_rows(named=True)}
    share = {name: float(row["explained"] or 0.0) for name, row in rows.items()}
    single = [name for name in rows if name not in (CHART, ALL)]
    if rows[ALL]["explained"] is None or not single:
        return ""
    best = max(single, key=share.__getitem__)
    chart = f"What a chart holds before treatment explains {share[CHART]:.0%} of how people's improvements differ"
    if not any(rows[name]["known"] == CHART for name in single):
        chart = "All possible people share the chart, so that it explains nothing of how their improvements differ"
    return (
        f"{chart}; with what only the model knows (bias, strength, contracture, EC50) {share[ALL]:.0%} is explained. "
        f"Alone, {words.label(best).replace('Ec50', 'EC50')} explains most: {share[best]:.0%}. Straight lines only, "
        "adjusted for their number; the rest is other differences between people, and luck."
    )


def _separates(features: Sequence[Any]) -> str:
    """Return what tells responders from others before treatment, in one sentence."""
    if not features:
        return ""
    best = features[0]
    low, high = (pick(best.bins, key=lambda group: group.share) for pick in (min, max))
    if high.low <= low.high:
        return "Nothing that held before treatment separates them beyond chance."
    return (
        f"{words.label(best.name)} separates them most: {100 * high.share:.0f}% respond at {high.label}, "
        f"{100 * low.share:.0f}% at {low.label}."
    )


def _milestones(result: StudyResult) -> list[dict[str, str]]:
    """Return the first, lowest, highest and last score of each limb and scale."""
    out = []
    unit = words.time_unit(float(result.course["time_h"].max() - result.course["time_h"].min()))
    for row in aggregate.series(result):
        points = row.points
        low, high = (pick(points, key=lambda point: point.mean) for pick in (min, max))
        cells = {"first": points[0], "lowest": low, "highest": high, "last": points[-1]}
        shown = {key: f"{words.number(p.mean)} · {words.when(p.time_h, unit)}" for key, p in cells.items()}
        out.append({"what": words.measured(row.limb, row.scale), **shown, "visits": str(len(points))})
    return out


def _anchor(text: object) -> str:
    return "source-" + re.sub(r"[^A-Za-z0-9_-]", "-", str(text))


def _linked(text: object) -> Markup:
    """Return text with every DOI as a link that a reader may follow; nothing is loaded from it."""
    safe = str(escape(str(text)))
    return Markup(_DOI.sub(lambda found: f'<a href="https://doi.org/{found[0]}" rel="noreferrer">{found[0]}</a>', safe))
