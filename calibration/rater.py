"""Scatter and severity of raters, inverted from the published agreement on the Modified Ashworth scale.

Two raters grade the same six muscle groups of thirty people with hemiplegia, and one of them grades them again. The
people are drawn from survivors of stroke in whom both limbs of the weak side are spastic; their resistance is that
of the limb model, with contracture and with the spread between muscle groups. A rater has one severity for
everybody and scatters from stretch to stretch, both less where tone is near normal (`rater_scatter`). Kappa is that
of one study of thirty people, averaged over many studies with raters of their own.

Run:  python calibration/rater.py         prints grades, the two standard deviations and the agreement they give
Source: MAS_kappa_2008 (between raters 0.514, within a rater 0.590; records of the set `trial`).
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import brentq

from eutonia import parameters
from eutonia.assessment.ashworth import ModifiedAshworth, modified_ashworth_rank, rater_scatter
from eutonia.assessment.scoring import chart_constants, latent_grades
from eutonia.patient import Cohort, Population
from eutonia.simulation.course import Course, start
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.people import Traits
from eutonia.tone.descending import bias_factors, descending_bias, strength_exponents, voluntary_strength
from eutonia.trial.recruitment import people_of

SEED, POOL = 2008, 8192
SPASTIC_BIAS = 0.3  # mV in leg and arm: what counts as a spastic hemiplegia here
PEOPLE, STUDIES = 30, 1000
GRADES = len(ModifiedAshworth)


def hemiplegic_latent(pool: int = POOL) -> np.ndarray:
    """Return the latent grade of six muscle groups of people whose weak leg and arm are both spastic."""
    number = np.arange(pool)
    cohort = Cohort.draw(SEED, number, Population.typical("stroke"))
    integrity = cohort.pathways.integrity(cohort.time_since_onset_h)
    bias = descending_bias(integrity, bias_factors(SEED, number), cohort.time_since_onset_h)
    strength = voluntary_strength(integrity, strength_exponents(SEED, number))
    people = people_of(cohort, Traits.draw(SEED, jnp.asarray(number), "stroke"), bias, strength, number, SEED)
    exam = examine(people, Course(people).snapshot(start(people)), body_constants())
    latent = np.asarray(latent_grades(exam, chart_constants()))
    return latent[:, np.all(np.asarray(bias) > SPASTIC_BIAS, axis=0)]


@dataclass(frozen=True)
class Survey:
    """Many studies of agreement: latent grades (study by score), severity of two raters, scatter of three gradings."""

    latent: np.ndarray
    severity: np.ndarray
    scatter: np.ndarray

    @classmethod
    def draw(cls, latent: np.ndarray, studies: int = STUDIES) -> Survey:
        """Draw the people, the raters and their luck; the same luck serves every trial value."""
        luck = np.random.default_rng(SEED)
        who = luck.integers(latent.shape[1], size=(studies, PEOPLE))
        scores = np.moveaxis(latent[:, who], 0, -1).reshape(studies, -1)
        return cls(scores, luck.standard_normal((2, studies, 1)), luck.standard_normal((3, *scores.shape)))

    def grades(self, residual: float, bias: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return ranks given by the first rater, by the second, and by the first again."""
        first, second = bias * self.severity
        noise = residual * self.scatter + np.stack([first, second, first])
        heard = rater_scatter(self.latent, noise, chart_constants().rater_noise_from)
        one, two, again = np.asarray(modified_ashworth_rank(self.latent, heard)).astype(int)
        return one, two, again

    def kappas(self, residual: float, bias: float) -> tuple[float, float]:
        """Return mean kappa between raters and within a rater."""
        one, two, again = self.grades(residual, bias)
        return float(np.mean(kappa(one, two))), float(np.mean(kappa(one, again)))


def kappa(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return unweighted Cohen's kappa of each row."""
    agreed = np.mean(first == second, axis=1)
    chance = sum(np.mean(first == g, axis=1) * np.mean(second == g, axis=1) for g in range(GRADES))
    return np.where(chance < 1.0, (agreed - chance) / np.maximum(1.0 - chance, 1e-12), 1.0)


def solve(survey: Survey, between: float, within: float) -> tuple[float, float]:
    """Return the scatter (`rater_residual`) and the severity (`rater_bias`) that give both kappas."""
    residual = bias = 0.2
    for _ in range(4):
        residual = brentq(lambda sd, bias=bias: survey.kappas(sd, bias)[1] - within, 0.02, 1.5, xtol=1e-4)
        bias = brentq(lambda sd, residual=residual: survey.kappas(residual, sd)[0] - between, 0.0, 1.5, xtol=1e-4)
    return residual, bias


def table(survey: Survey, residual: float, bias: float) -> str:
    """Return the grades that are given, and the agreement."""
    targets = parameters.load("trial").values("kappa_between_raters", "kappa_within_rater")
    given = survey.grades(residual, bias)[0]
    share = ", ".join(f"{g.value}: {100 * np.mean(given == g.rank):.1f} %" for g in ModifiedAshworth)
    found = survey.kappas(residual, bias)
    lines = [f"grades given: {share}", f"{'kappa':16}{'target':>8}{'model':>8}"]
    rows = zip(("between raters", "within a rater"), targets, found, strict=True)
    lines += [f"{name:16}{target:8.3f}{value:8.3f}" for name, target, value in rows]
    return "\n".join(lines)


def main() -> None:
    """Solve for both standard deviations and print the table, beside that of the records."""
    jax.config.update("jax_enable_x64", True)
    latent = hemiplegic_latent()
    survey = Survey.draw(latent)
    residual, bias = solve(survey, *parameters.load("trial").values("kappa_between_raters", "kappa_within_rater"))
    print(f"{latent.shape[1]} people with spastic hemiplegia; {STUDIES} studies of {PEOPLE} of them, six muscles")
    print(f"solved: rater_residual = {residual:.3f}, rater_bias = {bias:.3f}\n{table(survey, residual, bias)}")
    shipped = parameters.load("bedside").values("rater_residual", "rater_bias")
    print(f"records: rater_residual = {shipped[0]:.3f}, rater_bias = {shipped[1]:.3f}\n{table(survey, *shipped)}")


if __name__ == "__main__":
    main()
