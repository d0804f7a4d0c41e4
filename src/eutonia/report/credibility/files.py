"""The credibility file: one page that opens offline, and the same as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eutonia import _writing
from eutonia._printed import Printed
from eutonia.report import basis, files, page, words
from eutonia.report.credibility import assessment, domain, tests_of
from eutonia.report.credibility.evidence import Evidence

if TYPE_CHECKING:
    import polars

_PAGE, _DATA = "credibility.html", "credibility.json"
NAMES = (_PAGE, _DATA)
check_folder = partial(_writing.check_folder, names=NAMES)


@dataclass(frozen=True, repr=False)
class CredibilityFile(Printed):
    """How far a run may be believed: `data` is the whole file as plain data."""

    evidence: Evidence
    data: Mapping[str, Any]

    def prose(self) -> str:
        """Return risk, evaluation outcome, and how much is missing."""
        elements = {row["element"]: row["assessment"] for row in self.data["assessment"]}
        return (
            f"{self.data['title']}: model risk {elements['Model risk'].partition(':')[0]}. Evaluation: "
            f"{elements['Evaluation outcome']}. {len(self.data['missing'])} things are missing or outside: "
            f"{' '.join(self.data['missing'][:3])} Research and teaching only, no medical device."
        )

    def frame(self) -> polars.DataFrame:
        """Return table, item and what is known of it, one row each."""
        import polars as pl

        names = {"assessment": "element", "factors": "factor", "categories": "name"}
        rows = [
            {"table": table, "item": row[item], "known": row.get("assessment", row.get("evidence", ""))}
            for table, item in names.items()
            for row in self.data[table]
        ]
        return pl.DataFrame(rows)


def made(found: Evidence, influence: str, consequence: str, versions: Mapping[str, Any]) -> CredibilityFile:
    """Return the file of what was found."""
    factors, categories = assessment.factors(found), assessment.categories(found)
    data = {
        "title": found.asked.title,
        "study": found.asked.study,
        "kind": found.asked.kind,
        "disclaimer": words.DISCLAIMER,
        "assessment": assessment.m15(found, influence, consequence),
        "factors": factors,
        "categories": categories,
        "domain": [_checked(one) for one in found.domain()] if found.asked.run else [],
        "numbers": {"by_status": found.by_status(), "by_distance": found.by_distance()},
        "influential": {"screen": found.influential[0], "records": list(found.influential[1])},
        "tests": tests_of.by_layer(found.tests),
        "missing": assessment.missing(found, [*factors, *categories]),
        "versions": dict(versions),
    }
    return CredibilityFile(found, data)


def _checked(one: domain.Checked) -> dict[str, Any]:
    seen = None if one.seen is None else {"low": one.seen.low, "high": one.seen.high, "rows": one.seen.rows}
    told = {"what": one.what, "unit": one.unit, "low": one.low, "high": one.high, "outside": one.outside}
    return told | {"seen": seen, "told": one.seen.told if one.seen else "", "sentence": domain.sentence(one)}


def html(found: CredibilityFile) -> str:
    """Return the whole page as one text with everything inside; it loads nothing."""
    data = found.data
    run = dict(found.evidence.asked.run) | {
        "version": data["versions"]["Eutonia"],
        "counts_by_status": found.evidence.by_status(),
    }
    about = basis.of_run(run, data["versions"]["command"])
    layers = [row for row in data["tests"] if sum(row[folder] for folder in tests_of.FOLDERS)]
    more = {"file": data, "folders": tests_of.FOLDERS, "layers": layers, "shown": _shown(data["domain"])}
    return page.render("credibility.html.jinja", about | more | {"summary": found.prose()})


def _shown(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the domain in words."""

    def ends(low: float | None, high: float | None) -> str:
        if low is None or high is None:
            return "not said"
        if high == float("inf"):
            return f"{words.number(low)} and more"
        return words.number(low) if low == high else f"{words.number(low)} to {words.number(high)}"

    return [
        {
            "what": f"{row['what']} ({words.unit(row['unit'])})",
            "people": ends(row["low"], row["high"]),
            "seen": f"{ends(row['seen']['low'], row['seen']['high'])}: {row['told']}" if row["seen"] else "nothing",
            "sentence": row["sentence"],
            "is_outside": row["outside"] is None or row["outside"] > 0.0,
        }
        for row in rows
    ]


@_writing.whole(NAMES)
def write(found: CredibilityFile, draft: Path) -> None:
    """Write page and data, whole or not at all, and return the folder."""
    (draft / _PAGE).write_text(html(found), encoding="utf-8")
    files.write_json(draft / _DATA, {"program": _writing.PROGRAM, **found.data})
