"""The hierarchical calibration: every row has its use or a reason, and what is kept of the posterior is one thing."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import eutonia
from eutonia import parameters

pytestmark = pytest.mark.unit

SET, TITLE = "eutonia_2026_1", "eutonia-2026.1"
HERE = Path(__file__).parents[2] / "calibration"


def table(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_row_of_the_data_is_used_or_has_a_reason() -> None:
    rows = {row["id"]: row for row in table("hierarchical_rows.csv")}
    assert list(rows) == [row["id"] for row in table("calibration.csv")]
    assert all(bool(row["used_in"]) != bool(row["reason"]) for row in rows.values())
    targets = {row["name"]: row["unit_or_rows"] for row in table("drug.csv") if row["kind"] == "target"}
    of_targets = {word for text in targets.values() for word in text.split() if word in rows}
    assert {name for name, row in rows.items() if row["used_in"]} == of_targets
    assert {rows[name]["used_in"] for name in of_targets} <= set(targets)


def test_draws_summary_and_frozen_set_are_of_one_posterior_that_has_settled() -> None:
    path, held = HERE / "posterior.nc", parameters.load(SET)
    assert path.stat().st_size < 1_000_000
    with xr.open_datatree(path, engine="h5netcdf") as tree:
        assert tree.attrs["title"] == TITLE
        assert tree.attrs["digest"] in held.note
        summary = tree["summary"].to_dataset().load()
        draws = tree["posterior"]["x"].load()
    names = [str(name).replace(".", "/") for name in summary["parameter"].values]
    assert names == list(held["mean"].axis[:-1])
    mean, sd = (np.array(held.along(name, "1", names)) for name in ("mean", "sd"))
    np.testing.assert_allclose(summary["mean"], mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(summary["sd"], sd, rtol=1e-4)
    of = [f"correlation_{name.split(' ')[1].replace('/', '_')}" for name in names]
    correlation = np.array([held.along(row, "1", names) for row in of])
    np.testing.assert_allclose(summary["covariance"] / np.outer(sd, sd), correlation, atol=1e-4)
    np.testing.assert_allclose(draws.mean("draw"), mean, atol=0.2 * sd.max())
    assert float(summary["r_hat"].max()) < 1.01
    assert float(summary["ess"].min()) > 400


def test_the_set_speaks_of_the_records_that_the_drug_was_fitted_by() -> None:
    fitted = {row["name"] for row in table("drug.csv") if row["kind"] == "record"}
    named = {label.split("/")[1] for label in parameters.load(SET)["mean"].axis}
    assert named == fitted | {"nonspecific_change_mean"}


def test_a_record_that_is_no_share_may_lie_above_one() -> None:
    """The posterior puts a tenth of these above 1; an override there was refused for a word of the label."""
    given = {"reflex.grades_per_probit": "1.09", "tone.contracture_stroke": "1.3"}
    with eutonia.using(given):
        assert parameters.load("reflex").value("grades_per_probit", "1") == 1.09
        assert parameters.load("tone").value("contracture_stroke", "1") == 1.3
