"""Run every shipped trial and write the open table of predictions beside published results: papers/README.md.

    python papers/build.py

Nothing is fitted to these trials. A miss stays in the table until the mechanism is improved.
"""

from __future__ import annotations

from pathlib import Path

import eutonia
from eutonia.report import words
from eutonia.trial.result import Quantity, StudyResult

HERE = Path(__file__).parent
_HEAD = """# Predicted beside published

Rebuilt by `python papers/build.py`. Nothing is fitted to these trials; the rows were laid over afterwards.

- **reproduces**: the published value lies inside the predicted 95 % interval of replicate trials of the same size
- **in range**: inside once the interval is widened by the published standard error
- **does not**: an honest miss

Two rows are weaker than they look: Kofler's lowest dose is the first step of the ladder that the study file
prescribes, and Meythaler's centre also ran the brain injury trials that the drug parameters are calibrated on.

"""


def row(quantity: Quantity, *, of_several_arms: bool) -> str:
    """Return one line of the table, with the arm where several of a phase are compared."""
    published = quantity.published
    assert published is not None
    statistic = "" if quantity.statistic in ("mean", quantity.scale) else quantity.statistic
    arm = f"({quantity.arm})" if of_several_arms else ""
    what = " ".join(part for part in (quantity.limb, quantity.scale.replace("_", " "), statistic, arm) if part)
    predicted = f"{quantity.mean:.2f} ({quantity.low:.2f} to {quantity.high:.2f})"
    sd = "" if published.sd is None else f" (SD {published.sd:g})"
    unit = "" if quantity.unit in ("", "score", "1") else f" {quantity.unit}"
    return f"| {what} | {quantity.visit} | {predicted}{unit} | {published.value:g}{sd}{unit} | {quantity.grade} |"


def section(result: StudyResult) -> str:
    """Return the table of one trial."""
    lines = [f"## {result.title}", "", words.headline(result), ""]
    lines += ["| what | visit | predicted | published | verdict |", "|---|---|---|---|---|"]
    for quantity in result.compared:
        arms = {other.arm for other in result.compared if other.phase == quantity.phase and other.arm}
        lines.append(row(quantity, of_several_arms=len(arms) > 1))
    return "\n".join(lines)


def main() -> None:
    """Run the trials and write the table."""
    trials = [study for name in eutonia.shipped() if (study := eutonia.load_study(name)).kind == "trial"]
    sections = [section(eutonia.run(study, replicates=500)) for study in trials]
    (HERE / "README.md").write_text(_HEAD + "\n\n".join(sections) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
