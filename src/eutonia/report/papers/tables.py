"""The tables of published results beside predictions, as Markdown; and what the front page says of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from eutonia.report import short, targets, words
from eutonia.report.papers import judged
from eutonia.report.papers.criteria import Criteria
from eutonia.report.papers.judged import Judged
from eutonia.trial.result import Quantity, StudyResult

BEGIN, END = "<!-- predicted: written by papers/build.py -->", "<!-- end of what papers/build.py writes -->"
HEAD = """# Predicted beside published

Rebuilt by `eutonia papers`, and into these pages by `python papers/build.py`. Nothing is fitted to these trials; the
rows were laid over afterwards.

"""
_VERDICTS = """Graded by the interval:

- **reproduces**: the published value lies inside the predicted 95 % interval of replicate trials of the same size
- **in range**: inside once the interval is widened by the published standard error
- **does not**: an honest miss

Graded by a clinical margin ([criteria.toml](criteria.toml), stated {stated}), which rewards no wide interval:

- **equivalent**: the predicted mean lies within the margin, and so does the {confidence:.0%} interval that the error of
  the published number allows (two one-sided tests); where the paper of a trial gives no error, that of a trial like it
  is taken, and where that of a single number gives none, the number is never called equivalent
- **within the margin**: the mean does, and the paper is too small to say more
- **outside**: more than the margin apart

CRPS is the distance between the predicted distribution and the published number, in its unit; smaller is better. Beside
it stands that of two baselines with the same spread:

- no change: {no_change}
- calibration: {calibration_mean}

Two rows are weaker than they look: Kofler's lowest dose is the first step of the ladder that the study file
prescribes, and Meythaler's centre also ran the brain injury trials that the drug parameters are calibrated on.
"""
_PAPERS = f"""# Numbers of single papers

Each folder holds the numbers of a paper (`targets.csv`) and the few lines that compute them (`reproduce.py`). Observed
and published numbers that no model was made from are evidence; the others only show that a set holds what its paper
says. A number here is of one typical person: it has no distribution, and no CRPS.

{targets.LEGEND}
"""


def verdicts(criteria: Criteria) -> str:
    """Return what the verdicts mean."""
    meant = {name: table["meaning"] for name, table in criteria.baselines.items()}
    return _VERDICTS.format(stated=criteria.stated.isoformat(), confidence=criteria.confidence, **meant)


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if value < 10.0 else f"{value:.0f}"


def row(quantity: Quantity, one: Judged | None, *, names_arm: bool) -> str:
    """Return one line of the table, with the arm where several of a phase are compared."""
    published = quantity.published
    assert published is not None
    predicted = f"{quantity.mean:.2f} ({quantity.low:.2f} to {quantity.high:.2f})"
    sd = "" if published.sd is None else f" (SD {published.sd:g})"
    unit = "" if quantity.unit in ("", "score", "1") else f" {quantity.unit}"
    cells = [judged.what(quantity, names_arm=names_arm), quantity.visit, f"{predicted}{unit}"]
    cells += [f"{published.value:g}{sd}{unit}", quantity.grade or "no verdict"]
    if one is None:
        return f"| {' | '.join([*cells, *['–'] * 5])} |"
    cells += [one.equivalence, f"± {one.margin:.2g}" if one.margin < 10.0 else f"± {one.margin:.0f}"]
    cells += [_score(score) for score in (one.crps, one.crps_no_change, one.crps_calibration_mean)]
    return f"| {' | '.join(cells)} |"


def section(result: StudyResult, rows: Sequence[Judged]) -> str:
    """Return the table of one trial."""
    by_key = {one.key: one for one in rows if one.source == result.study_name}
    lines = [f"## {result.title}", "", f"{short.headline(result)} {judged.summary(list(by_key.values()))}", ""]
    lines += ["| what | visit | predicted | published | interval | margin | of | CRPS | no change | calibration |"]
    lines += [f"|{'---|' * 10}"]
    for quantity in result.compared:
        names_arm = words.of_several_arms(quantity, result.compared)
        key = f"{judged.what(quantity, names_arm=names_arm)}, {quantity.visit}"
        lines.append(row(quantity, by_key.get(key), names_arm=names_arm))
    return "\n".join(lines)


def paper(folder: Path, title: str, compared: Sequence[targets.Comparison], rows: Sequence[Judged]) -> str:
    """Return headline and table of one paper's folder."""
    own = {one.key: one for one in rows if one.source == folder.name}
    said = f"{targets.headline(compared)}{f' {judged.summary(list(own.values()))}' if own else ''}"
    margins = {key: f"{one.equivalence} (± {one.margin:.3g})" for key, one in own.items()}
    return f"## {title}\n\n{said}\n\n{targets.table(compared, margins)}"


def papers(shown: Sequence[str]) -> str:
    """Return the tables of the papers' folders under their heading."""
    return _PAPERS + "\n\n".join(shown)


def front(printed: str, page: str) -> str:
    """Return the front page with what the tables say of each trial, and of the papers together."""
    trials, _, single = printed.partition("# Numbers of single papers")
    lines = []
    for title, _, headline, *table in (one.splitlines() for one in trials.split("\n## ")[1:]):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table if line.startswith("| ")][1:]
        missed = "; ".join(
            f"{what}, {at}: {ours}, published {theirs}"
            for what, at, ours, theirs, verdict, *_ in rows
            if verdict == "does not"
        )
        said = headline.partition(" CRPS ")[0]
        if missed:
            # The rows say what was missed and by how much, in place of the names that end the headline.
            first, _, rest = said.partition(" (")
            said = f"{first}: {missed}.{rest.partition(').')[2]}"
        lines.append(f"- **{title}**: {said}")
    counts = re.findall(r"^Of (\d+) .*?, (\d+) reproduced?, (\d+) in range, (\d+) missed", single, re.MULTILINE)
    of, reproduced, near, missing = (sum(map(int, column)) for column in zip(*counts, strict=True))
    lines.append(
        f"- **Single papers**: of {of} published numbers that no model was made from, {reproduced} reproduced, "
        f"{near} in range, {missing} missed."
    )
    before, mark, rest = page.partition(BEGIN)
    assert mark, f"the page has lost its line {BEGIN}"
    return f"{before}{mark}\n" + "\n".join(lines) + f"\n{END}{rest.partition(END)[2]}"


def opening(build: Mapping[str, object], moved: Sequence[str]) -> str:
    """Return with which versions the tables were made, and what moved since the build before."""
    lines = [
        f"Eutonia {build['version']}, built {build['date']} with {build['replicates']} replicate trials; "
        f"criteria {str(build['criteria'])[:12]}, parameter sets {str(build['parameters'])[:12]}.",
        "",
        *(["Since the build before:", ""] if moved else ["Nothing was built before."]),
        *(f"- {line}" for line in moved),
    ]
    return "\n".join(lines) + "\n\n"
