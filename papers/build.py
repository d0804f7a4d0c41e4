"""Run every shipped trial and every paper's folder, and write what comes out beside what was published: README.md.

    python papers/build.py

Nothing is fitted to the trials. A miss stays in the table until the mechanism is improved.
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import eutonia
from eutonia import session
from eutonia.report import short, targets, words
from eutonia.trial.result import Quantity, StudyResult

HERE = Path(__file__).parent
FRONT = HERE.parent / "README.md"
BEGIN, END = "<!-- predicted: written by papers/build.py -->", "<!-- end of what papers/build.py writes -->"
_HEAD = """# Predicted beside published

Rebuilt by `python papers/build.py`. Nothing is fitted to these trials; the rows were laid over afterwards.

- **reproduces**: the published value lies inside the predicted 95 % interval of replicate trials of the same size
- **in range**: inside once the interval is widened by the published standard error
- **does not**: an honest miss

Two rows are weaker than they look: Kofler's lowest dose is the first step of the ladder that the study file
prescribes, and Meythaler's centre also ran the brain injury trials that the drug parameters are calibrated on.

"""
_PAPERS = f"""# Numbers of single papers

Each folder holds the numbers of a paper (`targets.csv`) and the few lines that compute them (`reproduce.py`). Observed
and published numbers that no model was made from are evidence; the others only show that a set holds what its paper
says.

{targets.LEGEND}
"""


def row(quantity: Quantity, *, names_arm: bool) -> str:
    """Return one line of the table, with the arm where several of a phase are compared."""
    published = quantity.published
    assert published is not None
    statistic = "" if quantity.statistic in ("mean", quantity.scale) else quantity.statistic
    arm = f"({quantity.arm})" if names_arm else ""
    what = " ".join(part for part in (quantity.limb, quantity.scale.replace("_", " "), statistic, arm) if part)
    predicted = f"{quantity.mean:.2f} ({quantity.low:.2f} to {quantity.high:.2f})"
    sd = "" if published.sd is None else f" (SD {published.sd:g})"
    unit = "" if quantity.unit in ("", "score", "1") else f" {quantity.unit}"
    return f"| {what} | {quantity.visit} | {predicted}{unit} | {published.value:g}{sd}{unit} | {quantity.grade} |"


def section(result: StudyResult) -> str:
    """Return the table of one trial."""
    lines = [f"## {result.title}", "", short.headline(result), ""]
    lines += ["| what | visit | predicted | published | verdict |", "|---|---|---|---|---|"]
    for quantity in result.compared:
        lines.append(row(quantity, names_arm=words.of_several_arms(quantity, result.compared)))
    return "\n".join(lines)


def paper(folder: Path) -> str:
    """Return headline and table of one paper's folder."""
    script = runpy.run_path(str(folder / "reproduce.py"))
    title = script["__doc__"].splitlines()[0].removesuffix(".")
    return f"## {title}\n\n{targets.show(folder, script['computed']())}"


def papers() -> str:
    """Return the tables of every folder that holds a targets.csv."""
    folders = sorted(file.parent for file in HERE.glob("*/targets.csv"))
    return _PAPERS + "\n\n".join(paper(folder) for folder in folders)


def front(printed: str) -> str:
    """Return the front page with what the tables say of each trial, and of the papers together."""
    trials, _, single = printed.partition("# Numbers of single papers")
    lines = []
    for title, _, headline, *table in (one.splitlines() for one in trials.split("\n## ")[1:]):
        rows = [line.strip("| ").split(" | ") for line in table if line.endswith("| does not |")]
        missed = "; ".join(f"{what}, {at}: {ours}, published {theirs}" for what, at, ours, theirs, _ in rows)
        # The rows say what was missed and by how much, in place of the names that end the headline.
        said = f"{headline.partition(' (')[0]}: {missed}." if rows else headline
        lines.append(f"- **{title}**: {said}")
    counts = re.findall(r"^Of (\d+) .*?, (\d+) reproduced?, (\d+) in range, (\d+) missed", single, re.MULTILINE)
    of, reproduced, near, missed = (sum(map(int, column)) for column in zip(*counts, strict=True))
    lines.append(
        f"- **Single papers**: of {of} published numbers that no model was made from, {reproduced} reproduced, "
        f"{near} in range, {missed} missed."
    )
    before, mark, rest = FRONT.read_text(encoding="utf-8").partition(BEGIN)
    assert mark, f"README.md has lost its line {BEGIN}"
    return f"{before}{mark}\n" + "\n".join(lines) + f"\n{END}{rest.partition(END)[2]}"


def main() -> None:
    """Run the trials and the papers, and write the tables."""
    session.begin()
    # A trial without published rows has nothing to be laid beside.
    trials = [study for name in eutonia.shipped() if getattr(study := eutonia.load_study(name), "published", ())]
    sections = [section(eutonia.run(study, replicates=500)) for study in trials]
    printed = _HEAD + "\n\n".join([*sections, papers()]) + "\n"
    (HERE / "README.md").write_text(printed, encoding="utf-8")
    FRONT.write_text(front(printed), encoding="utf-8")


if __name__ == "__main__":
    main()
