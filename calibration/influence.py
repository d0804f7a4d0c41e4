"""Rank the numbers behind the shipped studies by how far each moves their headline predictions, one at a time.

    python calibration/influence.py [STUDY ...]     rewrites the rows of these studies in influence.csv, all when none

Each number is moved up by what is not known of it: two standard deviations of its spread, or a fifth where it has none.
The people and their luck are the same in every run; a pool smaller than that of the study file keeps a run short, and
one trial is played. What is kept of each study is the ten numbers that move its predictions most, on average over them.
"""

from __future__ import annotations

import csv
import math
import sys
import time
from pathlib import Path

import numpy as np

import eutonia
from eutonia import parameters, session
from eutonia.errors import EutoniaError
from eutonia.parameters.influence import COLUMNS, FILE, MOST, kind_of
from eutonia.study.design import CaseStudy, TrialStudy
from eutonia.trial import sensitivity as screens
from eutonia.trial.result import StudyResult

STUDIES = (
    "loubser_1991", "case_ischaemic_pump", "case_ischaemic_tablets", "meythaler_2001", "kofler_2009",
    "parallel_tablets",
)  # fmt: skip
POOL, FOLD = 16_384, 1.2


def run(study: TrialStudy | CaseStudy) -> StudyResult:
    """Play one trial, or a case."""
    return eutonia.run(study, replicates=1) if isinstance(study, TrialStudy) else eutonia.run(study)


def ranked(name: str) -> list[tuple[str, float]]:
    """Return every record that can be moved, with its mean share in all moves of the predictions, the largest first."""
    study = eutonia.load_study(name)
    if isinstance(study, TrialStudy):
        study = study.replace({"population.pool": POOL})
    base = run(study)
    read = [one.partition(".") for one in base.run["rests_on"]]
    records = [parameters.load(of)[record] for of, _, record in read]
    moved, _ = screens.factors(records, FOLD)
    before = screens.predictions(base.quantities)
    effects, began = np.full((len(moved), len(before)), np.nan), time.perf_counter()
    for place, factor in enumerate(moved):
        try:
            with parameters.using({factor.key: factor.at(1.0)}):
                after = screens.predictions(run(study).quantities)
        except EutoniaError:
            continue  # nobody could enter, or the number may not be so large: no effect that is a number
        effects[place] = [abs(after.get(key, math.nan) - one) for key, one in before.items()]
        if place % 20 == 0:
            print(f"{name}: {place} of {len(moved)}, {time.perf_counter() - began:.0f} s", flush=True)
    known = np.nan_to_num(effects)
    total = known.sum(axis=0)
    shares = np.divide(known, total, out=np.zeros_like(known), where=total > 0.0).mean(axis=1)
    order = np.argsort(-shares, kind="stable")
    return [(moved[place].key, float(shares[place])) for place in order]


def main() -> None:
    """Run the studies that are named, and write the table."""
    session.begin()
    names = tuple(sys.argv[1:]) or STUDIES
    for name in names:
        found, kind = ranked(name), kind_of((study := eutonia.load_study(name)).kind, study.text)
        rows = []
        if FILE.is_file():
            with FILE.open(encoding="utf-8", newline="") as opened:
                rows = [row for row in csv.DictReader(opened) if row["study"] != name]
        rows += [
            dict(zip(COLUMNS, (kind, name, str(rank), record, f"{share:.4f}"), strict=True))
            for rank, (record, share) in enumerate(found[:MOST], start=1)
        ]
        with Path(FILE).open("w", encoding="utf-8", newline="") as opened:
            table = csv.DictWriter(opened, COLUMNS, lineterminator="\n")
            table.writeheader()
            table.writerows(sorted(rows, key=lambda row: (row["kind"], row["study"], int(row["rank"]))))
        print(f"{name}: {', '.join(f'{record} {share:.0%}' for record, share in found[:MOST])}", flush=True)


if __name__ == "__main__":
    main()
