"""Daily levels of cohorts: the closed form of every mode, hour by hour, whatever the blocks and the precision."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from eutonia.drug.kinetics import IntrathecalValues, Kinetics
from eutonia.drug.kinetics.intrathecal import Intrathecal
from eutonia.drug.pump.stream import daily_lumbar, stream
from eutonia.errors import SimulationError

pytestmark = pytest.mark.oracles

VALUES = IntrathecalValues.from_records()
DAYS, WIDTH = 6, 16


def block(start: int, n: int) -> tuple[Intrathecal, jnp.ndarray]:
    """People by number: the same whatever the block."""
    draws = np.stack([np.random.default_rng(start + k).normal(size=8) for k in range(n)], axis=1)
    rates = np.stack([np.random.default_rng(9000 + start + k).uniform(1, 20, size=24) for k in range(n)], axis=1)
    return VALUES.people(jnp.asarray(draws), "T10"), jnp.asarray(rates)


def test_daily_levels_are_those_of_the_kinetics() -> None:
    spinal, rates = block(0, WIDTH)
    found = daily_lumbar(spinal, rates, DAYS)
    decay, gain = np.asarray(spinal.mode_rates), np.asarray(spinal.weights("catheter"))
    csf, levels = np.zeros_like(decay), []
    for hour in range(24 * DAYS):
        csf = csf * np.exp(-decay) + gain * np.asarray(rates[hour % 24]) * -np.expm1(-decay) / decay
        levels.append(spinal.geometry.modes().shape[0] @ csf)
    days = np.array(levels).reshape(DAYS, 24, WIDTH)
    np.testing.assert_allclose(found.mean, days.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.peak, days.max(axis=1), rtol=1e-12)
    np.testing.assert_allclose(found.trough, days.min(axis=1), rtol=1e-12)
    fast = daily_lumbar(spinal, rates, DAYS, is_fast=True)
    np.testing.assert_allclose(fast.mean, found.mean, rtol=1e-5)
    assert fast.mean.dtype == jnp.float32


def test_blocks_change_nothing_and_nobody_is_left_out() -> None:
    whole = [np.asarray(levels.mean) for _, levels in stream(block, 40, DAYS, block=WIDTH)]
    starts = [start for start, _ in stream(block, 40, DAYS, block=WIDTH, workers=1)]
    assert starts == [0, 16, 32]
    assert [part.shape for part in whole] == [(DAYS, 16), (DAYS, 16), (DAYS, 8)]
    again = np.concatenate(
        [np.asarray(levels.mean) for _, levels in stream(block, 40, DAYS, block=WIDTH, workers=3)], axis=1
    )
    np.testing.assert_array_equal(again, np.concatenate(whole, axis=1))
    alone = next(iter(stream(lambda start, n: block(start + 32, n), 8, DAYS, block=WIDTH)))[1]
    np.testing.assert_array_equal(alone.mean, whole[2])


def test_tissue_is_not_followed() -> None:
    finer = Kinetics.typical(WIDTH, intrathecal=IntrathecalValues.neuraxis())
    with pytest.raises(SimulationError, match="Leave the tissue out"):
        daily_lumbar(finer.spinal, jnp.ones((24, WIDTH)), DAYS)
