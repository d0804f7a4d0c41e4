"""The pieces of a fit against closed forms and independent computations."""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Float
from scipy import stats

from eutonia._progress import silent
from eutonia.inference import sample as sampler
from eutonia.inference.forward import Body, Swing
from eutonia.inference.movement import movement
from eutonia.inference.posterior import Posterior, averaged_noise
from eutonia.inference.priors import PENDULUM, RAMP, Prior, Priors, priors
from eutonia.inference.recording import Recording
from eutonia.inference.stretch_fit import _model
from eutonia.inference.walk import walked
from eutonia.inference.widen import widened
from eutonia.limb.joint import joint
from eutonia.limb.swing import Limb, Torques, at_rest, follow, swing, torques
from eutonia.simulation.bedside import stepped_constants

pytestmark = pytest.mark.oracles
BODY = Body(joint("knee"), 70.0, 1.7)
# Typical and severe, mild, and a leg whose reflex is never reached; z of the first eight numbers.
PEOPLE = np.array(
    [
        [-0.3, 0.2, 0.1, 0.0, 0.2, 0.1, 0.1, 0.2],
        [-1.0, 1.0, -0.5, 1.2, 1.0, 0.5, -0.5, -1.0],
        [0.3, -0.5, 0.3, -0.8, -0.5, -0.3, 0.4, 0.5],
        [2.0, -1.5, 0.0, -1.0, -1.0, -0.5, 0.5, 0.5],
    ]
).T


def limbs(known: Priors, z: np.ndarray) -> Limb:
    """Return the limbs from the records, not by the fit."""
    of, ceiling = BODY.joint, BODY.ceiling
    value = {name: jnp.asarray(row) for name, row in zip(known.names, known.values(z), strict=True)}
    one = jnp.ones(z.shape[1])
    zero = jnp.deg2rad(value.get("angle_offset", 0.0 * one))
    return Limb(
        of.inertia(70.0, 1.7) * one, of.gravity(70.0, 1.7) * value.get("pace", one), zero, 0.0 * one,
        value["damping"], value["stiffness"], jnp.deg2rad(value["slack_angle"]), of.stop_torque * ceiling * one,
        of.stop_rate / of.range_rad * one, zero, of.stop_from * of.range_rad + zero, value["background"],
        jnp.deg2rad(value["threshold"]), value["velocity_sensitivity"], value["gain"], ceiling * one,
        value["depression"],
    )  # fmt: skip


def test_the_swing_of_a_fit_is_that_of_fine_steps() -> None:
    known = priors(PENDULUM, BODY.joint, BODY.ceiling)
    z = np.zeros((len(known.each), PEOPLE.shape[1]))
    z[:8] = PEOPLE
    z[known.index("start_angle")], z[known.index("angle_offset")], z[known.index("release")] = 0.4, -0.7, 0.6
    constants, limb = stepped_constants(), limbs(known, z)
    start = jnp.deg2rad(jnp.asarray(known.values(z)[known.index("start_angle")]))
    fine = swing(limb, at_rest(start, limb, steps=200), constants, 100, steps=200, kept=4)
    times = np.arange(-0.1, 4.8, 0.013)
    model = Swing(BODY, known, constants, times)
    late = times - known.values(z)[known.index("release"), 0]
    for lane, angle in enumerate(np.rad2deg(np.asarray(fine.angle)).T):
        expected = np.interp(late, np.asarray(fine.time), angle)
        np.testing.assert_allclose(model.predict(z)[:, lane], expected, atol=0.03)
    resisting = model.resistance(z)
    expected = np.asarray(torques(fine, limb, constants).total)
    for lane in range(z.shape[1]):
        moving = late > 0.02
        there = np.interp(late[moving], np.asarray(fine.time), expected[:, lane])
        np.testing.assert_allclose(np.asarray(resisting.total)[moving, lane], there, atol=0.25)


def test_what_follows_a_swing_has_no_jumps_from_limb_to_limb() -> None:
    # Short-range torque fades from the moment of turning, not from the next step: else the density of a fit is a saw.
    known = priors(PENDULUM, BODY.joint, BODY.ceiling)
    z = np.zeros((len(known.each), 512))
    z[known.index("background")] = np.linspace(0.5, 0.6, 512)
    angle = Swing(BODY, known, stepped_constants(), np.arange(0.0, 4.5, 0.05)).predict(z)
    bend = np.diff(angle, 2, axis=1)
    assert np.abs(bend).max() < 2e-4


def test_the_stretch_of_a_fit_is_that_of_the_stepped_limb() -> None:
    known = priors(RAMP, BODY.joint, BODY.ceiling)
    constants = stepped_constants()
    z = np.zeros((len(known.each), PEOPLE.shape[1]))
    z[:8], z[known.index("inertia_left")] = PEOPLE, -1.25  # no inertia
    step = 0.001
    at = np.arange(0.0, 2.6, step)
    # A path without corners, as smooth hands move.
    share = np.clip((at - 0.4) / 1.2, 0.0, 1.0)
    angle = 10.0 + 95.0 * share**3 * (10.0 - 15.0 * share + 6.0 * share**2)
    velocity = np.gradient(angle, step)
    limb = limbs(known, z)
    one = np.ones(z.shape[1])
    path = (jnp.deg2rad(jnp.asarray(x)[:, None] * one) for x in (angle, velocity))
    motion, _ = follow(limb, *path, constants, steps=50)
    total = np.asarray(torques(motion, limb, constants).total)
    recording = Recording("x", at, angle, total[:, 0], None, np.arange(at.size), {})
    model, prepared = _model([recording], "ramp", BODY, constants)
    predicted = model.predict(z) / prepared[0].trust[:, None]
    origin = at[np.argmax(angle >= 10.0 + 0.02 * 95.0)]
    for lane in range(z.shape[1]):
        expected = np.interp(prepared[0].time + origin, at, total[:, lane])
        np.testing.assert_allclose(predicted[:, lane], expected, atol=0.12)


@dataclass(frozen=True)
class Line:
    """A model that is a straight line: its posterior is known."""

    priors: Priors
    slopes: Float[np.ndarray, "sample number"]

    def predict(self, z: Float[np.ndarray, "number lane"]) -> Float[np.ndarray, "sample lane"]:
        return self.slopes @ z[: self.slopes.shape[1]]

    def resistance(self, z: Float[np.ndarray, "number lane"]) -> Torques:
        raise NotImplementedError


def straight(samples: int = 120, numbers: int = 6) -> tuple[Posterior, np.ndarray]:
    rng = np.random.default_rng(5)
    slopes = rng.normal(size=(samples, numbers)) * np.geomspace(0.01, 30.0, numbers)
    each = [Prior(f"x{k}", "", "", "", 0.0, 1.0, is_log=False) for k in range(numbers)]
    noise = [Prior("noise", "", "", "", 0.3, 0.8, is_log=True), Prior("alike", "", "", "", 0.3, 0.5, is_log=False)]
    truth = rng.normal(size=numbers)
    luck = stats.multivariate_normal.rvs(cov=_covariance(samples, 0.4, 0.6), random_state=rng)
    begins = np.arange(samples) == 0
    return Posterior(Line(Priors((*each, *noise)), slopes), slopes @ truth + luck, begins, np.ones(1, int)), truth


def _covariance(samples: int, spread: float, alike: float) -> np.ndarray:
    apart = np.abs(np.arange(samples)[:, None] - np.arange(samples))
    return spread**2 * alike**apart


def test_the_density_is_that_of_autoregressive_noise() -> None:
    posterior, truth = straight()
    z = np.concatenate([truth, [0.3, 0.4]])[:, None]
    spread, alike = (float(x[0]) for x in posterior.noise(z))
    errors = posterior.errors(z)[:, 0]
    expected = stats.multivariate_normal.logpdf(errors, cov=_covariance(errors.size, spread, alike))
    other = np.concatenate([truth + 0.01, [0.1, 0.2]])[:, None]
    spread, alike = (float(x[0]) for x in posterior.noise(other))
    against = stats.multivariate_normal.logpdf(
        posterior.errors(other)[:, 0], cov=_covariance(errors.size, spread, alike)
    )
    prior = -0.5 * float((z**2).sum() - (other**2).sum())
    difference = float((posterior.log_density(z) - posterior.log_density(other))[0])
    assert difference == pytest.approx(expected - against + prior, rel=1e-9)


@pytest.mark.parametrize("alike", [-0.6, 0.0, 0.5, 0.9])
def test_the_noise_of_means_is_that_of_the_samples(alike: float) -> None:
    each, means = 5, 60
    average = np.kron(np.eye(means), np.full(each, 1.0 / each))
    whole = average @ _covariance(each * means, 1.0, alike) @ average.T
    variance, like = averaged_noise(np.array([alike]), each)
    assert float(variance[0]) == pytest.approx(whole[0, 0], rel=1e-9)
    # What varies slowly is known as well as by the exact covariance.
    slow = np.ones(means), np.linspace(-1.0, 1.0, means), np.cos(np.linspace(0.0, 6.0, means))
    as_fitted = _covariance(means, float(np.sqrt(variance[0])), float(like[0]))
    for course in slow:
        exact, fitted = (course @ np.linalg.solve(cov, course) for cov in (whole, as_fitted))
        assert fitted == pytest.approx(exact, rel=0.02)


def test_traces_of_several_averages_have_the_density_of_their_noise() -> None:
    posterior, truth = straight()
    begins, averaged = np.isin(np.arange(120), (0, 50)), np.array([1, 4])
    mixed = Posterior(posterior.model, posterior.recorded, begins, averaged)
    z = np.concatenate([truth, [0.3, 0.4]])[:, None]
    spread, alike = mixed.noise(z)
    errors = mixed.errors(z)
    expected = 0.5 * errors.size * np.log(2.0 * np.pi) - 0.5 * float((z**2).sum())
    squares = 0.0
    for part, each in zip(np.split(errors[:, 0], [50]), averaged, strict=True):
        variance, like = averaged_noise(alike, int(each))
        cov = _covariance(part.size, float(spread[0] * np.sqrt(variance[0])), float(like[0]))
        expected += stats.multivariate_normal.logpdf(part, cov=cov)
        squares += part @ np.linalg.solve(cov, part)
    assert float(mixed.log_density(z)[0]) == pytest.approx(expected, rel=1e-9)
    white = mixed.whiten(errors[:, None], spread, alike)
    assert float((white**2).sum()) == pytest.approx(squares, rel=1e-9)


def test_a_movement_has_the_speed_and_acceleration_that_it_had() -> None:
    rng = np.random.default_rng(6)
    step, corner, began, ended, fast = 0.002, 0.012, 0.43, 0.97, np.deg2rad(150.0)
    at = np.arange(0.0, 1.8, step)

    def soft(x: np.ndarray) -> np.ndarray:
        return x * stats.norm.cdf(x / corner) + corner * stats.norm.pdf(x / corner)

    angle = fast * (soft(at - began) - soft(at - ended))
    speed = fast * (stats.norm.cdf((at - began) / corner) - stats.norm.cdf((at - ended) / corner))
    bend = fast / corner * (stats.norm.pdf((at - began) / corner) - stats.norm.pdf((at - ended) / corner))
    noise = np.deg2rad(0.02)
    curve = movement(angle + noise * rng.standard_normal(at.size), step)
    inside = (at > 0.03) & (at < at[-1] - 0.03)
    steady = (np.abs(at - began) > 0.1) & (np.abs(at - ended) > 0.1) & (at > 0.1) & (at < 1.7)
    assert np.abs(curve.at(at) - angle).max() < 3.0 * noise
    assert np.abs(curve.at(at, 1) - speed)[steady].max() < 0.004 * fast
    assert np.abs(curve.at(at, 1) - speed)[inside].max() < 0.03 * fast
    assert np.std((curve.at(at, 2) - bend)[inside]) < 0.04 * bend.max()
    # It errs by about as much as it says.
    for order, true in enumerate((angle, speed, bend)):
        away = (curve.at(at, order) - true) / curve.error(at, order)
        assert 0.5 < away.std() < 1.8, order


def test_draws_widen_as_a_straight_line_says() -> None:
    posterior, _ = straight()
    model = posterior.model
    assert isinstance(model, Line)
    rng = np.random.default_rng(8)
    drawn = sampler.sample(posterior, rng).z
    # A known input of unit variance that was wrong: it changes the recording much as the third number does.
    tilt = 0.3 * model.slopes[:, 2] + np.linspace(-0.1, 0.1, 120)
    wide = widened(posterior, drawn, tilt[:, None] * rng.standard_normal(drawn.shape[1]))
    mean, precision = told(posterior, drawn)
    known = np.linalg.inv(precision)
    # The mean is linear in the recording: what a tilt of it would do.
    moved = told(replace(posterior, recorded=posterior.recorded + tilt), drawn)[0] - mean
    expected = known + np.outer(moved, moved)
    np.testing.assert_allclose(np.std(wide[:6], axis=1), np.sqrt(np.diag(expected)), rtol=0.2)
    assert (np.sqrt(np.diag(expected)) / np.sqrt(np.diag(known))).max() > 1.5
    np.testing.assert_array_equal(wide[6:], drawn[6:])


def told(posterior: Posterior, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and precision of a straight line's six numbers for noise in the middle of that of draws."""
    assert isinstance(posterior.model, Line)
    spread, alike = (float(np.median(x)) for x in posterior.noise(z))
    weighted = posterior.model.slopes.T @ np.linalg.inv(_covariance(120, spread, alike))
    precision = weighted @ posterior.model.slopes + np.eye(6)
    return np.linalg.solve(precision, weighted @ posterior.recorded), precision


def standard(posterior: Posterior, z: np.ndarray) -> np.ndarray:
    """Return draws of a straight line in standard deviations from what is known of it."""
    mean, precision = told(posterior, z)
    return np.asarray(np.linalg.cholesky(precision).T @ (z[:6] - mean[:, None]))


def test_draws_for_a_straight_line_are_the_known_posterior() -> None:
    posterior, _ = straight()
    drawn = sampler.sample(posterior, np.random.default_rng(3))
    shape = standard(posterior, drawn.z)
    assert np.abs(shape.mean(axis=1)).max() < 0.25
    np.testing.assert_allclose(shape.std(axis=1), 1.0, atol=0.2)
    assert drawn.effective > 300
    assert drawn.pareto < 0.7
    assert drawn.solved == 1.0


def test_a_handful_of_draws_walks_to_the_known_posterior() -> None:
    posterior, _ = straight()
    drawn = sampler.sample(posterior, np.random.default_rng(3)).z
    off = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        few = np.tile(drawn[:, rng.choice(512, 16, replace=False)], 32)
        many, counts = walked(posterior, few, 16.0, 400.0, rng, silent)
        assert counts > 100
        off.append(np.sqrt(counts) * standard(posterior, many).mean(axis=1))
        np.testing.assert_allclose(standard(posterior, many).std(axis=1), 1.0, atol=0.25)
    # As many count as are said to: the means err by so much and no more.
    assert np.sqrt(np.mean(np.square(off))) < 1.3
    same, counts = walked(posterior, drawn, 400.0, 400.0, np.random.default_rng(0), silent)
    assert counts == 400.0
    np.testing.assert_array_equal(same, drawn)


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9])
def test_the_tail_index_is_that_of_a_pareto_tail(shape: float) -> None:
    weight = stats.genpareto.rvs(shape, size=40_000, random_state=np.random.default_rng(2))
    assert sampler.pareto_index(weight) == pytest.approx(shape, abs=0.12)
