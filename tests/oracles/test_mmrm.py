"""The mixed model for repeated measures against SAS 9.4 PROC MIXED, and against closed forms of complete data."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import jax
import numpy as np
import polars as pl
import pytest
import scipy.stats

from eutonia.statistics import mmrm
from eutonia.statistics.covariance import STRUCTURES
from eutonia.statistics.two_arms import covariance_analysis
from eutonia.trial.endpoints import Contrast
from eutonia.trial.repeated import mixed_models

pytestmark = pytest.mark.oracles

# Structure: -2 restricted log likelihood (last iteration), intercept, standard error, degrees of freedom (whole
# numbers), variances, and the correlations of the first visit.
LISTINGS = {
    "heterogeneous toeplitz": (
        (3722.38018329, 41.6726, 0.3822, 185),
        (90.4041, 38.5927, 36.1518, 175.78),
        (0.4295, 0.0457, -0.3116),
    ),
    "heterogeneous autoregressive": (
        (3739.96835012, 41.6955, 0.3947, 191),
        (92.3009, 38.5178, 35.2148, 176.37),
        (0.4130,),
    ),
    "heterogeneous compound symmetry": (
        (3784.85341599, 41.9964, 0.3575, 199),
        (104.61, 38.6137, 31.3143, 178.91),
        (0.1582,),
    ),
    "autoregressive": ((3875.49945459, 42.3255, 0.5013, 188), (88.9866,), (0.4272,)),
    "compound symmetry": ((3917.98183508, 42.2896, 0.4285, 187), (86.8968,), (5.8943 / 86.8968,)),
}
# The listings stop at a relative criterion of 1e-8. Where that was before the minimum, ours is lower, and the intercept
# differs by more than 1e-4: put into the covariance that was printed, our data give the intercept that was printed.
STOPPED_EARLY = ("unstructured", "heterogeneous autoregressive")


def fev() -> tuple[np.ndarray, np.ndarray]:
    """Return scores (person, visit), NaN where not seen, and covariates (person: 1, active arm, female)."""
    rows = pl.read_csv(Path(__file__).parent / "data" / "fev_data.csv", null_values=["NA", ""])
    wide = rows.pivot(on="AVISIT", index=["USUBJID", "ARMCD", "SEX"], values="FEV1", maintain_order=True)
    y = wide.select(f"VIS{k}" for k in (1, 2, 3, 4)).to_numpy().astype(float)
    covariates = wide.select(pl.lit(1.0), pl.col("ARMCD") == "TRT", pl.col("SEX") == "Female")
    return y, covariates.to_numpy().astype(float)


def fitted(y: np.ndarray, z: np.ndarray, structure: str, design: np.ndarray | None = None) -> mmrm.MixedFit:
    """Fit one trial; without a design, the same effects at every visit."""
    design = np.tile(np.eye(z.shape[1]), (y.shape[1], 1)) if design is None else design
    patterns = mmrm.patterns_of(~np.isnan(y))
    sums = mmrm.sums_of(y, z, patterns, design)
    one = mmrm.Sums(*(np.asarray(leaf)[None] for leaf in sums))
    return mmrm.fit(one, patterns, design, np.eye(design.shape[1])[None], structure)


def test_unstructured_as_in_the_listing() -> None:
    found = fitted(*fev(), "unstructured")
    assert found.converged[0]
    assert 3666.96698281 - 1e-3 < found.minus_2_log_likelihood[0] <= 3666.96698281
    np.testing.assert_allclose(found.estimate[0, 1:], [3.8265, -0.1404], atol=1e-4)
    assert found.estimate[0, 0] == pytest.approx(41.0762, abs=6e-4)
    np.testing.assert_allclose(found.se[0], [0.5504, 0.6421, 0.6434], atol=2e-4)
    np.testing.assert_allclose(found.df[0], [156, 161, 161], atol=0.5)
    printed = [[108.64, 45.5282, -2.4314, -46.7566], [45.5282, 40.1475, 0.8698, -13.0626]]
    np.testing.assert_allclose(found.covariance[0][:2], printed, atol=0.01)


@pytest.mark.parametrize("structure", LISTINGS)
def test_other_structures_as_in_the_listings(structure: str) -> None:
    (value, intercept, se, df), variances, correlations = LISTINGS[structure]
    y, z = fev()
    found = fitted(y, z[:, :1], structure)
    assert found.converged[0]
    assert value - 1e-3 < found.minus_2_log_likelihood[0] <= value + 1e-7
    assert found.estimate[0, 0] == pytest.approx(intercept, abs=4e-4 if structure in STOPPED_EARLY else 1e-4)
    assert found.se[0, 0] == pytest.approx(se, abs=2e-4)
    assert found.df[0, 0] == pytest.approx(df, abs=0.5)
    sd = np.sqrt(np.diag(found.covariance[0]))
    np.testing.assert_allclose(sd[: len(variances)] ** 2, variances, rtol=5e-4)
    mine = (found.covariance[0] / np.outer(sd, sd))[0, 1:]
    np.testing.assert_allclose(mine[: len(correlations)], correlations, atol=2e-4)


def test_the_printed_intercept_follows_from_the_printed_covariance() -> None:
    y, z = fev()
    printed = np.diag([108.64, 40.1475, 24.7713, 152.49])
    printed[np.triu_indices(4, 1)] = 45.5282, -2.4314, -46.7566, 0.8698, -13.0626, 18.9219
    printed = np.triu(printed, 1).T + np.triu(printed)
    information, toward = np.zeros((3, 3)), np.zeros(3)
    for scores, of in zip(y, z, strict=True):
        seen = ~np.isnan(scores)
        weight = np.linalg.inv(printed[np.ix_(seen, seen)])
        x = np.tile(of, (int(seen.sum()), 1))
        information, toward = information + x.T @ weight @ x, toward + x.T @ weight @ scores[seen]
    assert np.linalg.solve(information, toward)[0] == pytest.approx(41.0762, abs=5e-5)


def test_complete_data_give_the_t_test_of_each_visit() -> None:
    """With an arm effect at each visit and nothing missing, Satterthwaite's degrees of freedom are exactly N - 2."""
    draws = np.random.default_rng(5)
    arm = np.arange(30) % 2 == 0
    y = draws.normal(size=(30, 3)) @ draws.normal(size=(3, 3)) + arm[:, None] * [0.0, 0.5, 1.0] + 3.0
    z = np.stack([np.ones(30), arm], axis=1)
    found = fitted(y, z, "unstructured", np.eye(6))
    for visit in range(3):
        known = scipy.stats.ttest_ind(y[arm, visit], y[~arm, visit])
        mine = found.estimate[0, 2 * visit + 1], found.se[0, 2 * visit + 1], found.df[0, 2 * visit + 1]
        assert mine[0] / mine[1] == pytest.approx(known.statistic, rel=1e-9)
        assert mine[2] == pytest.approx(28.0, abs=1e-4)


def test_many_trials_in_one_program_are_those_trials_alone() -> None:
    draws = np.random.default_rng(7)
    arm = np.arange(24) % 2 == 0
    z = np.stack([np.ones(24), arm], axis=1)
    scores = draws.normal(size=(70, 24, 1)) + draws.normal(size=(70, 24, 3))
    scores[:, ::5, 2] = np.nan
    patterns = mmrm.patterns_of(~np.isnan(scores))
    design, contrasts = np.eye(6), np.repeat(np.eye(6)[None], 70, axis=0)
    sums = [mmrm.sums_of(one, z, patterns, design) for one in scores]
    together = mmrm.Sums(*(np.stack(leaves) for leaves in zip(*sums, strict=True)))
    found = mmrm.fit(together, patterns, design, contrasts, "unstructured")
    alone = mmrm.fit(mmrm.Sums(*(leaf[68:69] for leaf in together)), patterns, design, contrasts[:1], "unstructured")
    assert found.converged.all()
    for many, one in zip(found, alone, strict=True):
        np.testing.assert_array_equal(many[68], one[0])


def test_a_structure_that_does_not_fit_is_told() -> None:
    """Three visits of four people in two arms cannot tell six covariances; two can be told, and that is said."""
    draws = np.random.default_rng(11)
    z = np.stack([np.ones(4), np.arange(4) % 2], axis=1)
    few = draws.normal(size=(4, 1)) + 0.5 * draws.normal(size=(4, 3))
    design, patterns = np.eye(6), np.ones((1, 3), dtype=bool)
    sums = [mmrm.sums_of(y, z, patterns, design) for y in (few, np.ones((4, 3)))]
    together = mmrm.Sums(*(np.stack(leaves) for leaves in zip(*sums, strict=True)))
    contrasts = np.repeat(np.eye(6)[None], 2, axis=0)
    ladder = ("unstructured", "compound symmetry")
    found, which = mmrm.fit_or_fall_back(together, patterns, design, contrasts, ladder)
    assert not mmrm.fit(together, patterns, design, contrasts, "unstructured").converged.any()
    assert which.tolist() == [1, -1]
    assert np.isfinite(found.se[0]).all()
    assert np.isnan(found.estimate[1]).all()


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("visits", [1, 2, 5])
def test_covariances_are_positive_definite_whatever_the_numbers(structure: str, visits: int) -> None:
    kind = STRUCTURES[structure]
    matrix_of = jax.jit(lambda theta: kind.matrix(theta, visits))
    for theta in np.random.default_rng(3).normal(size=(20, kind.size(visits))):
        matrix = np.asarray(matrix_of(theta))
        np.testing.assert_allclose(matrix, matrix.T, rtol=1e-12)
        assert np.linalg.eigvalsh(matrix)[0] > 0


def test_what_an_earlier_visit_cannot_tell_does_not_take_the_answer_away() -> None:
    """Where all are seen at the last visit, and only one arm or nobody at the first, the model is the covariance
    analysis of the last: what is seen of one arm alone tells nothing of the other.
    """
    draws = np.random.default_rng(2)
    arm = np.arange(16) % 2
    scores = np.repeat((draws.normal(size=(16, 1)) + draws.normal(size=(16, 3)))[None], 4, axis=0)
    scores[0, arm == 1, 1] = np.nan
    scores[1, :, 1] = np.nan
    scores[2, arm == 1, 2] = np.nan  # the last visit tells nothing
    scores[3, :, 0] = arm  # nor where the first score is that of the arm
    asked = Mock(spec=Contrast)
    asked.given = SimpleNamespace(covariance=None)
    arms, alike = np.repeat(arm[None], 4, axis=0), np.ones((4, 16, 1))  # a term that is alike in all tells nothing, too
    found, structures = mixed_models(arms, scores, asked, 0.05, alike)
    known = covariance_analysis(scores[0, :, 2] - scores[0, :, 0], arm == 1, scores[0, :, 0], 0.05)
    np.testing.assert_allclose(found[:2], [known, known], rtol=1e-5)
    assert np.isnan(found[2:]).all()
    assert structures == ["unstructured", "unstructured", "none", "none"]
