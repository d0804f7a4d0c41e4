"""Scatter and severity of raters, inverted from the published agreement on the Modified Ashworth scale.

Two raters grade the same six muscle groups of thirty people with hemiplegia, and one of them grades them again. The
people are drawn from survivors of stroke in whom both limbs of the weak side are spastic; their resistance is that
of the limb model, with contracture and with the spread between muscle groups. A rater has one severity for
everybody and scatters from stretch to stretch, both less where tone is near normal (`rater_scatter`). Kappa is that
of one study of thirty people, averaged over many studies with raters of their own.

Both numbers go into both kappas, so nothing is left to fit to the spread of scores between people (Chen 2019: half a
standard deviation of a limb's mean score, 1+ counted 1.5, is its minimal important change). It is predicted, for three
answers to who was in that study, with raters and without.

Run:  python calibration/rater.py         prints grades, the two standard deviations and the agreement they give
Sources: MAS_kappa_2008 (between raters 0.514, within a rater 0.590), Chen 2019 (RAT003 to RAT008); records of the set
`trial`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from survivors import survivors

from eutonia import parameters, session
from eutonia.assessment.ashworth import (
    ModifiedAshworth,
    modified_ashworth_code,
    modified_ashworth_rank,
    rater_scatter,
)
from eutonia.assessment.scoring import chart_constants
from eutonia.limb.muscle import muscles_of
from eutonia.patient import LIMBS

SEED, POOL = 2008, 8192
SPASTIC_BIAS = 0.3  # mV in leg and arm: what counts as a spastic hemiplegia here
PEOPLE, STUDIES = 30, 1000
GRADES = len(ModifiedAshworth)


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
    targets = parameters.load("trial").values(kappa_between_raters="1", kappa_within_rater="1")
    given = survey.grades(residual, bias)[0]
    share = ", ".join(f"{g.value}: {100 * np.mean(given == g.rank):.1f} %" for g in ModifiedAshworth)
    found = survey.kappas(residual, bias)
    lines = [f"grades given: {share}", f"{'kappa':16}{'target':>8}{'model':>8}"]
    rows = zip(("between raters", "within a rater"), targets, found, strict=True)
    lines += [f"{name:16}{target:8.3f}{value:8.3f}" for name, target, value in rows]
    return "\n".join(lines)


def limb_scores(latent: np.ndarray, residual: float, bias: float) -> tuple[np.ndarray, np.ndarray]:
    """Let a rater of their own chart each person once: return mean scores (limb by person) and grades (group by
    person), 1+ counted 1.5.
    """
    luck = np.random.default_rng(SEED)
    noise = bias * luck.standard_normal(latent.shape[1]) + residual * luck.standard_normal(latent.shape)
    heard = rater_scatter(latent, noise, chart_constants().rater_noise_from)
    grade = np.asarray(modified_ashworth_code(latent, heard))
    return np.stack([grade[list(muscles_of(limb))].mean(axis=0) for limb in LIMBS]), grade


def in_rehabilitation(grade: np.ndarray, score: np.ndarray) -> dict[str, np.ndarray]:
    """Return who may have been in a study of spasticity, by what was charted."""
    spastic = np.any(grade > 0.0, axis=0)
    return {
        "any group spastic": spastic,
        "leg and arm spastic": np.all(score > 0.0, axis=0),
        "spastic, no group at 4": spastic & np.all(grade < 4.0, axis=0),
    }


def spread_table(latent: np.ndarray, residual: float, bias: float) -> str:
    """Return half the SD of mean scores of leg and arm, published and predicted."""
    published = parameters.load("trial").values(**{f"minimal_important_change_{limb}": "score" for limb in LIMBS})
    lines = [f"{'half an SD of a limb score':28}{'people':>8}{'leg':>8}{'arm':>8}{'without raters':>18}"]
    lines.append(f"{'published':28}{115:8}{published[0]:8.2f}{published[1]:8.2f}")
    score, grade = limb_scores(latent, residual, bias)
    exact, _ = limb_scores(latent, 0.0, 0.0)
    for name, who in in_rehabilitation(grade, score).items():
        leg, arm = score[:, who].std(axis=1) / 2.0
        bare = exact[:, who].std(axis=1) / 2.0
        lines.append(f"{name:28}{who.sum():8}{leg:8.2f}{arm:8.2f}{bare[0]:10.2f}{bare[1]:8.2f}")
    return "\n".join(lines)


def main() -> None:
    """Solve for both standard deviations and print the table, beside that of the records."""
    session.begin()
    people = survivors(SEED, POOL)
    latent = people.latent[:, np.all(people.bias > SPASTIC_BIAS, axis=0)]
    survey = Survey.draw(latent)
    residual, bias = solve(survey, *parameters.load("trial").values(kappa_between_raters="1", kappa_within_rater="1"))
    print(f"{latent.shape[1]} people with spastic hemiplegia; {STUDIES} studies of {PEOPLE} of them, six muscles")
    print(f"solved: rater_residual = {residual:.3f}, rater_bias = {bias:.3f}\n{table(survey, residual, bias)}")
    shipped = parameters.load("bedside").values(rater_residual="1", rater_bias="1")
    print(f"records: rater_residual = {shipped[0]:.3f}, rater_bias = {shipped[1]:.3f}\n{table(survey, *shipped)}")
    print(spread_table(people.latent, *shipped))


if __name__ == "__main__":
    main()
