"""Fit the emulator of the spiking segment to a design of spiking runs and print its error on runs kept out.

    python calibration/segment_emulator.py [--points 320] [--write]

A Sobol design over bias, release, GIRK, fusimotor drive and presynaptic inhibition; for every point four ramps of
100 deg at 50-400 deg/s, a recruitment curve and a train at 1 Hz. `--write` replaces the parameter set
`segment_emulator`. Takes some minutes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from scipy.stats import qmc

from eutonia.tone import emulator
from eutonia.tone.segment import design
from eutonia.tone.segment.cells import Sizes

LOW = np.array([0.0, 0.5, 0.0, 0.5, 0.0])
HIGH = np.array([4.0, 1.0, 0.10, 2.0, 0.4])
SIZES = Sizes(200, 120, 40, 20)
KEPT_OUT = 0.25
RIDGE = 1e-3
BLOCK = 32
RECORDS = Path(__file__).parents[1] / "src/eutonia/parameters/data/segment_emulator.toml"
UNITS = {"threshold": "deg", "velocity_sensitivity": "s", "gain": "N m/rad", "h_over_m": "1", "depression": "1"}
LABELS = {
    "threshold": "Coefficients of the stretch reflex threshold at no speed (lambda)",
    "velocity_sensitivity": "Coefficients of the velocity sensitivity of the threshold (mu)",
    "gain": "Coefficients of the logarithm of the reflex gain",
    "h_over_m": "Coefficients of the probit of Hmax/Mmax",
    "depression": "Coefficients of the probit of H at 1 Hz over the first H",
}


def measured(x: np.ndarray) -> np.ndarray:
    """Return the five outputs of the spiking segment at design points (input, point)."""
    out = []
    for first in range(0, x.shape[1], BLOCK):
        part = x[:, first : first + BLOCK]
        out.append(design.measure(part, SIZES, range(first, first + part.shape[1])))
        print(f"{first + part.shape[1]} of {x.shape[1]} points", flush=True)
    return np.concatenate(out, axis=1)


def fit(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return coefficients (output, term), error on points kept out, and their number, each by output."""
    n = x.shape[1]
    kept = np.arange(n) < round((1.0 - KEPT_OUT) * n)
    basis = np.asarray(emulator.features(jnp.asarray(x), jnp.asarray(LOW), jnp.asarray(HIGH)))
    weights, errors, held = [], [], []
    for k in range(len(emulator.OUTPUTS)):
        there = np.isfinite(y[k])
        target = np.asarray(emulator.forward(k, jnp.asarray(y[k])))
        a, b = basis[:, kept & there].T, target[kept & there]
        ridge = RIDGE * len(b) * np.eye(a.shape[1])
        ridge[0, 0] = 0.0
        weights.append(np.linalg.solve(a.T @ a + ridge, a.T @ b))
        out = there & ~kept
        predicted = np.asarray(emulator.inverse(k, jnp.asarray(weights[-1] @ basis[:, out])))
        errors.append(float(np.sqrt(np.mean((predicted - y[k, out]) ** 2))))
        held.append(int(out.sum()))
        spread = float(np.std(y[k, out]))
        name = emulator.OUTPUTS[k]
        print(
            f"{name:22} error {errors[-1]:8.3g} {UNITS[name]:8} spread {spread:8.3g} on {held[-1]} of {(~kept).sum()}"
        )
    return np.array(weights), np.array(errors), np.array(held)


def write(weights: np.ndarray, errors: np.ndarray, held: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Write the parameter set, with a few runs that were kept out for the test that guards against drift."""

    def record(name: str, label: str, values: object, unit: str, note: str) -> str:
        numbers = "[" + ", ".join(f"{v:.5g}" for v in np.atleast_1d(values)) + "]"
        return (
            f'[{name}]\nlabel = "{label}"\nvalue = {numbers}\nunit = "{unit}"\nsource = "Eutonia_2026"\n'
            f'where = "calibration/segment_emulator.py"\nmethod = "fitted"\nstatus = "fitted"\nnote = "{note}"\n'
        )

    parts = [
        '[set]\nname = "segment_emulator"\ntitle = "Emulator of the spiking segment"\nreleased = "2026-11"\n'
        f'note = "Fitted to {round((1 - KEPT_OUT) * x.shape[1])} spiking runs. Inputs in order: '
        f'{", ".join(emulator.INPUTS)}; terms: 1, then products of one to three scaled inputs in lexical order."\n',
        record("design_low", "Lower edge of the design", LOW, "1", "bias in mV, the others in shares"),
        record("design_high", "Upper edge of the design", HIGH, "1", "bias in mV, the others in shares"),
    ]
    for k, name in enumerate(emulator.OUTPUTS):
        note = f"Root mean square error {errors[k]:.3g} {UNITS[name]} on {held[k]} runs kept out."
        parts.append(record(name, LABELS[name], weights[k], "1", note))
    parts.append(record("held_out_error", "Error on runs kept out, by output", errors, "1", ", ".join(UNITS.values())))
    first = round((1.0 - KEPT_OUT) * x.shape[1])
    whole = [k for k in range(first, x.shape[1]) if np.isfinite(y[:, k]).all()][:3]
    for number, k in enumerate(whole, start=1):
        note = f"A run that was kept out, as person {k}."
        parts.append(record(f"held_out_input_{number}", "Inputs of a run that was kept out", x[:, k], "1", note))
        parts.append(record(f"held_out_output_{number}", "Outputs of a run that was kept out", y[:, k], "1", note))
    RECORDS.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=320)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    print(f"{SIZES.total} cells a segment: {SIZES}")
    points = qmc.scale(qmc.Sobol(len(LOW), seed=1).random(given.points), LOW, HIGH).T
    found = measured(points)
    results = fit(points, found)
    if given.write:
        write(*results, points, found)
        print(f"written: {RECORDS.name}")
