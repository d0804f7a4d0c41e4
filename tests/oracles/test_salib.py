"""SALib screens the same runs: its Morris analysis of our paths must rank and size what ours does."""

from __future__ import annotations

import numpy as np
import pytest
from SALib.analyze import morris

from eutonia.statistics import screening


@pytest.mark.parametrize("seed", [1, 2])
def test_elementary_effects_are_those_of_salib(seed: int) -> None:
    inputs, count = 6, 12
    at = screening.paths(inputs, count, seed)
    x = at.points
    y = 4.0 * x[:, 0] + 2.0 * x[:, 1] * x[:, 2] - np.sin(3.0 * x[:, 3]) + 0.1 * x[:, 4] ** 2
    size, scatter = screening.elementary_effects(at, y[:, None])
    names = [f"x{place}" for place in range(inputs)]
    problem = {"num_vars": inputs, "names": names, "bounds": [[0.0, 1.0]] * inputs}
    theirs = morris.analyze(problem, x, y, num_levels=screening.LEVELS, num_resamples=10, seed=1)
    np.testing.assert_allclose(size[:, 0], np.asarray(theirs["mu_star"], dtype=float), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(scatter[:, 0], np.asarray(theirs["sigma"], dtype=float), rtol=1e-9, atol=1e-12)
