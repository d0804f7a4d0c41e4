"""Group-sequential trials against rpact 3.3.4 (R 4.2.2): boundaries, levels, power by look, expected size, inflation.

The numbers are those that tests/oracles/data/rpact.R printed; `nox -s rpact` prints them anew and names their file.
"""

from __future__ import annotations

import csv
import os
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from eutonia.statistics.group_sequential import StoppingRule
from eutonia.statistics.names import Spending

pytestmark = pytest.mark.oracles

PRINTED = Path(os.environ.get("EUTONIA_RPACT", Path(__file__).parent / "data" / "rpact_3.3.4.csv"))
ROWS = list(csv.DictReader(PRINTED.read_text(encoding="utf-8").splitlines()))
DESIGNS = {key: list(rows) for key, rows in groupby(ROWS, key=lambda row: (row["spending"], row["information"]))}
KINDS: dict[str, Spending] = {"asOF": "O'Brien-Fleming", "asP": "Pocock"}
# Difference in standard deviations, people, and the power that rpact's inflation is for, as rpact.R says them.
APART, PEOPLE, POWER = 0.5, 120, 0.9


@pytest.mark.parametrize("key", DESIGNS)
def test_boundaries_power_and_sizes_are_those_of_rpact(key: tuple[str, str]) -> None:
    rows = DESIGNS[key]
    information = [float(share) for share in key[1].split()]
    theirs = {name: np.array([float(row[name]) for row in rows]) for name in ("boundary", "level", "stops")}
    rule = StoppingRule.of(KINDS[key[0]], 0.05, information, None)
    # Ours move by less than 1e-9 with twice the nodes; with five looks the sums of theirs are off by 1.5e-5.
    np.testing.assert_allclose(rule.efficacy, theirs["boundary"], atol=2e-5)
    # Theirs are of one side.
    np.testing.assert_allclose(rule.levels, 2.0 * theirs["level"], rtol=5e-5)
    found = rule.crossings(APART * np.sqrt(PEOPLE) / 2.0)
    np.testing.assert_allclose(found[:, 0], theirs["stops"], atol=5e-6)
    # Theirs go on where the arm is worse, and ours stop there.
    ends = found[:, 0].copy()
    ends[-1] = 1.0 - ends[:-1].sum()
    assert PEOPLE * ends @ information == pytest.approx(float(rows[0]["expected_people"]), abs=2e-4)
    drift = brentq(lambda mean: rule.crossings(mean)[:, 0].sum() - POWER, 1.0, 6.0)
    one_look = norm.isf(0.025) + norm.ppf(POWER)
    assert (drift / one_look) ** 2 == pytest.approx(float(rows[0]["inflation"]), abs=3e-5)
