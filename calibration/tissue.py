"""How slowly contracture goes where a drug has taken the tone: what people a year on a pump say of that one number.

    python calibration/tissue.py [--people 384]

Rows TST005 and TST008 of calibration.csv (brain injury, 12 months on a pump: leg and arm Ashworth). All other numbers
stay: contracture at entry is that of `calibration/drug.py`, fitted when tissue could not yet go. The error (sum of
squares in tolerances) is flat, 1.1 at a year and 1.2 to 1.9 at three months and at a hundred years, so that the
record is an assumption that these rows bear, and no fit.
"""

from __future__ import annotations

import argparse

import eutonia
from eutonia import parameters, session

session.begin()

from cohorts import HOURS_PER_MONTH, Study, trial_arm  # noqa: E402
from drug import BRAIN_1999, PARAMETERS  # noqa: E402

ROWS = (("TST005", 0, 1.7, 0.20), ("TST008", 1, 1.6, 0.25))
MONTHS = (3, 6, 12, 24, 48, 120, 1200)


def at_a_year(months: float, n: int, study: Study = BRAIN_1999) -> tuple[float, float, float]:
    """Return the mean Ashworth score of leg and arm, and the dose (ug/day), after a year on a pump."""
    with eutonia.using({"tone.contracture_loss_time": f"{months * HOURS_PER_MONTH} h"}):
        values = {one.name: one.shipped for one in PARAMETERS}
        rate, chart = trial_arm(study, values, n, origin="cerebral", months=(12,))[12]
    leg, arm = chart.expected.mean(axis=1)
    return float(leg), float(arm), float(rate.mean() * 24)


def main() -> None:
    """Print what each time predicts, and its error."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=384)
    n = parser.parse_args().people
    shipped = parameters.load("tone").value("contracture_loss_time", "h") / HOURS_PER_MONTH
    print("months   leg 1.7   arm 1.6   ug/day   error")
    for months in (*MONTHS, shipped):
        found = at_a_year(months, n)
        error = sum(((found[limb] - value) / sd) ** 2 for _, limb, value, sd in ROWS)
        print(f"{months:6.0f}   {found[0]:7.2f}   {found[1]:7.2f}   {found[2]:6.0f}   {error:5.2f}", flush=True)


if __name__ == "__main__":
    main()
