"""The pieces of a fit against closed forms and independent computations."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
import pytest
import stretch_fit as calibration
from jaxtyping import Float
from scipy import stats
from scipy.linalg import solve_triangular

from eutonia import parameters
from eutonia._progress import silent
from eutonia.inference import sample as sampler
from eutonia.inference.forward import Body, Stretches, Swing
from eutonia.inference.movement import movement
from eutonia.inference.noise import LEAST, MOST
from eutonia.inference.posterior import Posterior
from eutonia.inference.priors import PENDULUM, RAMP, Prior, Priors, priors
from eutonia.inference.recording import Recording
from eutonia.inference.stretch_fit import _model
from eutonia.inference.walk import walked
from eutonia.limb.joint import joint
from eutonia.limb.swing import Limb, Torques, at_rest, follow, swing, torques
from eutonia.simulation.bedside import stepped_constants

pytestmark = pytest.mark.oracles
PATH = ("angle", "velocity", "acceleration", "angle_before", "velocity_before")
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
    z[known.index("letting_go")] = np.linspace(-1.0, 1.5, PEOPLE.shape[1])
    lets_go = jnp.asarray(known.values(z)[known.index("letting_go")])
    fine = swing(limb, at_rest(start, limb, steps=200, letting_go=lets_go), constants, 100, steps=200, kept=4)
    times = np.arange(-0.1, 4.8, 0.013)
    model = Swing(BODY, known, constants, times)
    late = times - known.values(z)[known.index("release"), 0]
    for candidate, angle in enumerate(np.rad2deg(np.asarray(fine.angle)).T):
        expected = np.interp(late, np.asarray(fine.time), angle)
        np.testing.assert_allclose(model.predict(z)[:, candidate], expected, atol=0.03)
    resisting = model.resistance(z)
    expected = np.asarray(torques(fine, limb, constants).total)
    for candidate in range(z.shape[1]):
        moving = late > 0.02
        there = np.interp(late[moving], np.asarray(fine.time), expected[:, candidate])
        np.testing.assert_allclose(np.asarray(resisting.total)[moving, candidate], there, atol=0.25)


def test_what_follows_a_swing_has_no_jumps_from_limb_to_limb() -> None:
    # Short-range torque fades from the moment of turning, not from the next step: else the density of a fit is a saw.
    known = priors(PENDULUM, BODY.joint, BODY.ceiling)
    z = np.zeros((len(known.each), 512))
    # The leg for which the bound below was set: let go at once, and with a swing of 26.2 1/s2.
    z[known.index("background")], z[known.index("letting_go")] = np.linspace(0.5, 0.6, 512), -4.0
    z[known.index("pace")] = np.log(26.2 / 28.4) / known.each[known.index("pace")].spread
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
    predicted = model.predict(z)
    origin = at[np.argmax(angle >= 10.0 + 0.02 * 95.0)]
    for candidate in range(z.shape[1]):
        expected = np.interp(prepared[0].time + origin, at, total[:, candidate])
        np.testing.assert_allclose(predicted[:, candidate], expected, atol=0.12)


@dataclass(frozen=True)
class Line:
    """A model that is a straight line: its posterior is known."""

    priors: Priors
    slopes: Float[np.ndarray, "sample number"]
    columns: tuple[Float[np.ndarray, "_ _"], ...]

    def predict(self, z: Float[np.ndarray, "number candidate"]) -> Float[np.ndarray, "sample candidate"]:
        return self.slopes @ z[: self.slopes.shape[1]]

    def resistance(self, z: Float[np.ndarray, "number candidate"]) -> Torques:
        raise NotImplementedError

    def strays(self, z: Float[np.ndarray, "number one"], spread: float) -> tuple[Float[np.ndarray, "_ _"], ...]:
        return self.columns


SAMPLES, STEP = 120, 0.02
TIME = parameters.load("inference").value("model_error_time", "s")
# How many samples each trace has, and how many recorded ones each is the mean of.
TRACES = {"one": ((120, 1),), "two": ((50, 1), (70, 4))}


def straight(traces: str = "one", *, errs: bool = False) -> tuple[Posterior, np.ndarray]:
    """Return the posterior of a recorded straight line, and the truth; the line may have an input that errs."""
    rng = np.random.default_rng(5)
    slopes = rng.normal(size=(SAMPLES, 6)) * np.geomspace(0.01, 30.0, 6)
    each = [Prior(f"x{k}", "", "", "", 0.0, 1.0, is_log=False) for k in range(6)]
    noise = [Prior("noise", "", "", "", 0.3, 0.8, is_log=True), Prior("error", "", "", "", 0.3, 0.5, is_log=True)]
    truth = rng.normal(size=6)
    # Inputs that change the line much as one of its numbers does, slowly, and in one place.
    bump = 3.0 * np.exp(-0.5 * (np.arange(SAMPLES) - 30.0) ** 2 / 4.0)
    inputs = np.stack([0.4 * slopes[:, 3], np.linspace(-0.5, 0.5, SAMPLES), bump], axis=1)
    counts = [count for count, _ in TRACES[traces]]
    columns = tuple(part if errs else part[:, :0] for part in np.split(inputs, np.cumsum(counts)[:-1]))
    luck = stats.multivariate_normal.rvs(cov=_covariance(SAMPLES, 0.4, 0.5, 1), random_state=rng)
    recorded = slopes @ truth + luck + (inputs @ rng.normal(size=3) if errs else 0.0)
    cut = np.split(recorded, np.cumsum(counts)[:-1])
    parts = [(one, averaged, STEP) for one, (_, averaged) in zip(cut, TRACES[traces], strict=True)]
    posterior = Posterior.of(Line(Priors((*each, *noise)), slopes, columns), parts)
    return posterior.erring(np.zeros((8, 1))), truth


def _covariance(samples: int, noise: float, error: float, averaged: int) -> np.ndarray:
    """Return the covariance from cosines that are written out."""
    waves, smooth = _waves(samples)
    return (waves.T * (noise**2 / averaged + error**2 * smooth / smooth.mean())) @ waves


@functools.cache
def _waves(samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the cosines (wave, sample), and how smooth errors are spread over them."""
    at = np.arange(samples)
    waves = np.cos(np.pi * np.outer(at, at + 0.5) / samples)
    return waves / np.linalg.norm(waves, axis=1)[:, None], np.exp(-((np.pi * at / (samples * STEP) * TIME) ** 2))


def test_the_error_of_a_model_stays_alike_for_a_while() -> None:
    covariance = _covariance(1200, 0.0, 0.7, 1)
    middle = covariance[600, 600:630]
    later = STEP * np.arange(30)
    np.testing.assert_allclose(middle, 0.49 * np.exp(-((later / (2.0 * TIME)) ** 2)), atol=0.005)


def whole_covariance(posterior: Posterior, spread: float, error: float) -> np.ndarray:
    """Return the covariance of all errors, written out."""
    out = np.zeros((SAMPLES, SAMPLES))
    for trace in posterior.noise.traces:
        own = _covariance(trace.rows.stop - trace.rows.start, spread, error, trace.averaged)
        out[trace.rows, trace.rows] = own + trace.strays @ trace.strays.T
    return out


every_line = pytest.mark.parametrize(("traces", "errs"), [("one", False), ("one", True), ("two", False), ("two", True)])


@every_line
def test_the_density_is_that_of_the_covariance_written_out(traces: str, errs: bool) -> None:
    posterior, truth = straight(traces, errs=errs)
    noise, line = posterior.noise, posterior.model
    rng = np.random.default_rng(7)
    z = truth[:, None] + np.concatenate([np.zeros((6, 1)), 0.02 * rng.normal(size=(6, 4))], axis=1)
    errors = posterior.errors(z)
    best, height = noise.best(errors)
    away = []
    for candidate, (spread, error) in enumerate(zip(*noise.numbers(best), strict=True)):
        covariance = whole_covariance(posterior, spread, error)
        density = stats.multivariate_normal.logpdf(errors[:, candidate], cov=covariance)
        away.append(height[candidate] - density + 0.5 * float((best[:, candidate] ** 2).sum()))
        # No other noise of the same ratio suits better.
        for other in (0.97, 1.03):
            off = whole_covariance(posterior, other * spread, other * error)
            assert stats.multivariate_normal.logpdf(errors[:, candidate], cov=off) < density
        # What a search and a view take from it.
        mine = np.concatenate([line.predict(np.eye(6)), errors[:, [candidate]]], axis=1)
        expected = mine.T @ np.linalg.solve(covariance, mine)
        found = noise.products(mine[:, :, None], best[:, [candidate]])[0]
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8 * np.abs(expected).max())
        white = noise.whitening(best[:, candidate])(mine[:, :, None])[:, :, 0]
        np.testing.assert_allclose(white.T @ white, expected, rtol=1e-8, atol=1e-8 * np.abs(expected).max())
    np.testing.assert_allclose(away, away[0], atol=1e-7)


@every_line
def test_the_noise_is_integrated_out(traces: str, errs: bool) -> None:
    posterior, truth = straight(traces, errs=errs)
    errors = posterior.errors(truth[:, None] + np.array([0.0, 0.01]))
    noise = posterior.noise.near(errors[:, :1])
    found = noise.log_marginal(errors)
    # The same by brute force, over all of both priors.
    log_spread, log_error = np.linspace(LEAST, MOST, 61), np.linspace(LEAST, MOST, 61)
    summed = np.zeros((2, 2, log_spread.size, log_error.size))
    for i, z_spread in enumerate(log_spread):
        for j, z_error in enumerate(log_error):
            spread, error = (float(x[0]) for x in noise.numbers(np.array([[z_spread], [z_error]])))
            lower = np.linalg.cholesky(whole_covariance(posterior, spread, error))
            squares = (solve_triangular(lower, errors, lower=True) ** 2).sum(axis=0)
            summed[0, :, i, j] = -np.log(np.diag(lower)).sum() - 0.5 * (squares + z_spread**2 + z_error**2)
    mass = np.exp(summed[0] - summed[0].max())
    expected = np.log(mass.sum(axis=(1, 2)))
    assert float(found[1] - found[0]) == pytest.approx(float(expected[1] - expected[0]), abs=0.01)
    drawn = noise.draw(np.repeat(errors[:, :1], 4000, axis=1), np.random.default_rng(2))
    for z, nodes, weights in zip(drawn, (log_spread, log_error), (mass[0].sum(1), mass[0].sum(0)), strict=True):
        mean = np.average(nodes, weights=weights)
        spread = np.sqrt(np.average((nodes - mean) ** 2, weights=weights))
        assert float(z.mean()) == pytest.approx(mean, abs=0.1 * spread)
        assert float(z.std()) == pytest.approx(spread, rel=0.08)


def test_noise_is_bounded_so_that_it_cannot_swallow_a_wrong_resting_angle() -> None:
    posterior, truth = straight()
    away = posterior.errors(truth[:, None]) + 30.0
    spread, error = (float(x[0]) for x in posterior.noise.numbers(posterior.noise.best(away)[0]))
    assert spread <= 0.3 * np.exp(0.8 * MOST) * (1 + 1e-9)
    assert error <= 0.3 * np.exp(0.5 * MOST) * (1 + 1e-9)
    drawn = posterior.noise.near(away).draw(np.repeat(away, 500, axis=1), np.random.default_rng(1))
    assert drawn.max() < MOST + 0.2
    # Nor is a recording without noise taken for one that tells everything.
    still = posterior.noise.best(np.zeros((SAMPLES, 1)))[0]
    assert still.min() >= LEAST - 1e-9


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
    assert np.abs(curve.at(at, 1) - speed)[steady].max() < 0.005 * fast
    assert np.abs(curve.at(at, 1) - speed)[inside].max() < 0.03 * fast
    assert np.std((curve.at(at, 2) - bend)[inside]) < 0.04 * bend.max()
    # It errs by about as much as it says.
    for order, true in enumerate((angle, speed, bend)):
        away = (curve.at(at, order) - true) / curve.error(at, order)
        assert 0.5 < away.std() < 1.8, order


def standard(posterior: Posterior, z: np.ndarray) -> np.ndarray:
    """Return draws of a straight line in standard deviations from what is known of it, for noise in their middle."""
    assert isinstance(posterior.model, Line)
    spread, error = (float(np.median(x)) for x in posterior.noise.numbers(z[-2:]))
    weighed = np.linalg.solve(whole_covariance(posterior, spread, error), posterior.model.slopes).T
    precision = weighed @ posterior.model.slopes + np.eye(6)
    mean = np.linalg.solve(precision, weighed @ posterior.recorded)
    return np.asarray(np.linalg.cholesky(precision).T @ (z[:6] - mean[:, None]))


@every_line
def test_draws_for_a_straight_line_are_the_known_posterior(traces: str, errs: bool) -> None:
    posterior, _ = straight(traces, errs=errs)
    tails = []
    for seed in range(3):
        drawn = sampler.sample(posterior, np.random.default_rng(seed))
        shape = standard(posterior, drawn.z)
        assert np.abs(shape.mean(axis=1)).max() < 0.25
        np.testing.assert_allclose(shape.std(axis=1), 1.0, atol=0.2)
        assert drawn.effective > 300
        assert drawn.solved == 1.0
        tails.append(drawn.pareto)
    # One tail of a few hundred draws is luck.
    assert np.median(tails) < 0.5


def test_a_handful_of_draws_walks_to_the_known_posterior() -> None:
    posterior, truth = straight()
    posterior = posterior.near(truth[:, None])
    drawn = sampler.sample(posterior, np.random.default_rng(3)).z
    off = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        few = np.tile(drawn[:6, rng.choice(512, 16, replace=False)], 32)
        many, counts = walked(posterior, few, 16.0, 400.0, rng, silent)
        assert counts > 100
        shape = standard(posterior, np.concatenate([many, drawn[-2:]]))
        off.append(np.sqrt(counts) * shape.mean(axis=1))
        np.testing.assert_allclose(shape.std(axis=1), 1.0, atol=0.25)
    # As many count as are said to: the means err by so much and no more.
    assert np.sqrt(np.mean(np.square(off))) < 1.3
    same, counts = walked(posterior, drawn[:6], 400.0, 400.0, np.random.default_rng(0), silent)
    assert counts == 400.0
    np.testing.assert_array_equal(same, drawn[:6])


def test_the_torque_errs_as_its_path_may() -> None:
    truth = dict(calibration.EXAMPLE, inertia_left=0.7)
    recording = calibration.ramp_recording(truth, 90.0, np.random.default_rng(4))
    model, _ = _model([recording], "ramp", BODY, stepped_constants())
    assert isinstance(model, Stretches)
    stretch = model.stretches[0]
    z = np.zeros((len(model.priors.each), 1))
    z[model.priors.index("inertia_left")] = 0.5
    rng = np.random.default_rng(5)
    changes = []
    for _ in range(120):
        moved = stretch.errors @ rng.standard_normal(stretch.errors.shape[2])
        series = (getattr(stretch.path, name) + by[:, None] for name, by in zip(PATH, moved, strict=True))
        path = replace(stretch.path, **dict(zip(PATH, series, strict=True)))
        changes.append((replace(model, stretches=(stretch._replace(path=path),)).predict(z) - model.predict(z))[:, 0])
    (columns,) = model.strays(z, 0.01)
    expected, found = np.std(changes, axis=0), np.sqrt((columns**2).sum(axis=1))
    large = found > 0.2 * found.max()
    assert large.sum() > 5
    np.testing.assert_allclose(expected[large], found[large], rtol=0.25)
    # Beside so much noise nothing of it counts.
    assert model.strays(z, 1e6)[0].shape[1] == 0


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9])
def test_the_tail_index_is_that_of_a_pareto_tail(shape: float) -> None:
    weight = stats.genpareto.rvs(shape, size=40_000, random_state=np.random.default_rng(2))
    assert sampler.pareto_index(weight) == pytest.approx(shape, abs=0.12)
