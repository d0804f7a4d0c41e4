"""From the population of a study file to virtual people: a pool, its entry scores, and who is recruited from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from eutonia import _streams
from eutonia._hours import HOURS_A_MONTH
from eutonia.assessment.reading import of_limb, stand_for
from eutonia.assessment.scales import SCALES
from eutonia.assessment.scoring import Chart, chart, chart_constants, expected, look_at, no_luck
from eutonia.drug.kinetics.values import ADULT
from eutonia.patient import LIMBS, Cohort, LesionShare, Population, TruncatedNormal, lesion_mix
from eutonia.patient.lesion import KINDS
from eutonia.simulation.course import Snapshot
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.lesion_course import LesionCourse
from eutonia.simulation.make_people import people_of
from eutonia.simulation.people import People, Traits
from eutonia.simulation.stance import stance
from eutonia.study import vocabulary
from eutonia.study.design import TrialStudy
from eutonia.study.people import EntryRule
from eutonia.study.people import StudyLesion as GivenLesion
from eutonia.study.people import StudyPopulation as GivenPopulation
from eutonia.trial import blocks
from eutonia.trial.weighting import EntryMoment, Weights, weigh


@dataclass(frozen=True)
class Pool:
    """People of the population at the time of the trial, without drug: who they are, what they score, how likely
    they enter.
    """

    cohort: Cohort
    traits: Traits
    bias: Float[np.ndarray, "limb pool"]
    strength: Float[np.ndarray, "limb pool"]
    scores: dict[str, np.ndarray]
    eligible: Bool[np.ndarray, " pool"]
    weights: Weights
    oral_model: str


def population_of(given: GivenPopulation) -> Population:
    """Translate the population of a study file into the population that `Cohort` draws from."""
    if given.lesion_shares:
        lesions = tuple(_lesion_share(part) for part in given.lesion_shares)
    elif given.lesions is not None:
        lesions = lesion_mix(given.lesions)
    else:
        lesions = Population.typical(given.origin).lesions
    onset = given.time_since_onset_h
    no_onset = None if vocabulary.since_birth(given.origin) else TruncatedNormal(0.0)
    return Population(
        origin=given.origin,
        lesions=lesions,
        age=TruncatedNormal(*given.age_year.numbers),
        weight=TruncatedNormal(*given.weight_kg.numbers),
        creatinine_clearance=TruncatedNormal(*given.creatinine_clearance_ml_per_min.numbers),
        time_since_onset_h=TruncatedNormal(*onset.numbers) if onset is not None else no_onset,
        women=given.women,
    )


def _lesion_share(part: GivenLesion) -> LesionShare:
    if part.kind == "ischaemic":
        assert part.territory is not None
        assert part.extent is not None
        extent = TruncatedNormal(part.extent.mean, part.extent.sd, 0.0, 1.0)
        return LesionShare.by_extent(part.share, part.territory, extent)
    assert part.site is not None
    assert part.volume_ml is not None
    volume = TruncatedNormal(part.volume_ml.mean, part.volume_ml.sd, 0.0)
    return LesionShare(part.share, "haemorrhagic", part.site, volume)


# The pool is scored at least this many people at a time, also for a small trial: each block costs some milliseconds.
_WIDE = 1024


def untreated_scores(people: People) -> tuple[Chart, dict[str, np.ndarray]]:
    """Return the noiseless chart of people without drug, and the scores that a cohort is weighed by.

    Where a scale has a mean over raters, that is taken, so that scores vary smoothly.
    """
    snapshot = Snapshot.untreated(people.n)
    exam = examine(people, snapshot, body_constants())
    standing = stance(people, snapshot, body_constants())
    constants = chart_constants()
    look = look_at(people, exam, standing, no_luck(people.n), jnp.zeros(people.n), constants)
    clean = chart(people, exam, standing, look.luck, look.nonspecific, constants)
    scores = {
        name: np.asarray(clean[name] if scale.expected is None else expected(look, scale))
        for name, scale in SCALES.items()
        if scale.is_score
    }
    return clean, scores


def draw_pool(
    given: GivenPopulation, seed: int, width: int, oral_model: str = ADULT, cohort: Cohort | None = None
) -> Pool:
    """Draw the pool, apply the entry criteria and weigh it to the published entry scores; `width` people at a time,
    or more.

    `cohort` is that of another pool of the same population and seed: nothing in it is a number that a run draws.

    Raises
    ------
    StudyError
        When nobody is eligible or the published entry scores cannot be reached.
    """
    number = np.arange(given.pool)
    if cohort is None:
        cohort = of_table(Cohort.draw(seed, number, population_of(given)), given, seed)
    made = LesionCourse.of(cohort, seed).at(0.0)
    traits = _traits(given, seed, number)
    bias, strength = np.asarray(made[0]), np.asarray(made[1])
    parts = []
    for block, n in blocks.split(number, max(width, _WIDE)):
        mine = jax.tree.map(lambda leaf, block=block: leaf[..., block], traits)
        people = people_of(cohort.take(block), mine, bias[:, block], strength[:, block], block, seed, oral_model)
        parts.append(jax.tree.map(lambda leaf, n=n: np.asarray(leaf)[..., :n], untreated_scores(people)))
    clean, scores = jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=-1), *parts)
    eligible = np.ones(given.pool, dtype=bool)
    for rule in given.entries:
        eligible &= _meets(rule, clean)
    moments = [
        EntryMoment(
            f"{row.limb or ''} {row.scale}".strip(),
            of_limb(scores[row.scale], row.limb),
            row.mean,
            row.sd,
            _noise_sd(row.scale),
        )
        for row in given.baselines
    ]
    weights = weigh(eligible, moments)
    if given.ineligible is not None:
        weights = weights.letting_in(~eligible, given.ineligible)
    return Pool(cohort, traits, bias, strength, scores, eligible, weights, oral_model)


def _traits(given: GivenPopulation, seed: int, number: Int[np.ndarray, " patient"]) -> Traits:
    return jax.tree.map(np.asarray, Traits.draw(seed, jnp.asarray(number), given.origin))


# Arrays of a cohort, by key of a study's table.
_OF_TABLE = {
    "age": "age_year",
    "weight": "weight_kg",
    "creatinine_clearance": "creatinine_clearance_mL_min",
    "time_since_onset": "time_since_onset_h",
    "women": "is_woman",
}


def of_table(cohort: Cohort, given: GivenPopulation, seed: int) -> Cohort:
    """Return the people of a pool, where the study has a table each as the row of it that their luck picks."""
    table = given.table
    if table is None:
        return cohort
    kept, _ = table.within(given.limits)
    known = {_OF_TABLE[key]: column for key, column in table.known.items()}
    ranks = {_OF_TABLE[key]: table.ranks(key, kept) for key in ("age", "creatinine_clearance") if key in table.known}
    return cohort.with_rows(seed, population_of(given), lambda luck: table.pick(luck, kept), known, ranks)


def _meets(rule: EntryRule, clean: Chart) -> np.ndarray:
    if rule.muscles is None:
        return of_limb(np.asarray(clean[rule.scale]), rule.limb) >= rule.at_least
    muscles = np.asarray(clean[f"{rule.scale}_muscle"])
    counted = stand_for(rule.limb)[:, None]
    return ((muscles >= rule.at_least) & counted).sum(axis=0) >= rule.muscles


def _noise_sd(scale: str) -> float:
    """Return the spread that raters and reports add to one person's score."""
    noise = SCALES[scale].noise
    return 0.0 if noise is None else noise(chart_constants())


@dataclass(frozen=True)
class Recruits:
    """People as they were picked from a pool: by their identity, by who they are in it, and what is known of them."""

    person: Int[np.ndarray, " patient"]
    member: Int[np.ndarray, " patient"]
    cohort: Cohort
    traits: Traits
    bias: Float[np.ndarray, "limb patient"]
    strength: Float[np.ndarray, "limb patient"]
    oral_model: str

    @classmethod
    def of(cls, pool: Pool, person: Int[np.ndarray, " patient"], member: Int[np.ndarray, " patient"]) -> Recruits:
        """Return the identities `person`, who are those members of the pool."""
        traits = jax.tree.map(lambda leaf: leaf[..., member], pool.traits)
        bias, strength = pool.bias[:, member], pool.strength[:, member]
        return cls(person, member, pool.cohort.take(member), traits, bias, strength, pool.oral_model)

    @classmethod
    def standing_in(cls, study: TrialStudy, n: int) -> Recruits:
        """Return healthy people, whom nobody recruited, in the place of those of the population."""
        number, given = np.arange(n), study.population
        cohort = replace(Cohort.draw(study.seed, number, Population.typical("healthy")), origin=given.origin)
        traits = _traits(given, study.seed, number)
        return cls(
            number, number, cohort, traits, np.zeros((len(LIMBS), n)), np.ones((len(LIMBS), n)), study.oral_model
        )

    def people(self, seed: int) -> People:
        """Return them as virtual people."""
        return people_of(self.cohort, self.traits, self.bias, self.strength, self.person, seed, self.oral_model)


def recruit(pool: Pool, seed: int, person: Int[np.ndarray, " patient"]) -> Recruits:
    """Return the identities `person`, each picked from the pool by their own luck."""
    return Recruits.of(pool, person, member_of(pool, seed, person))


def member_of(pool: Pool, seed: int, person: Int[np.ndarray, " patient"]) -> Int[np.ndarray, " patient"]:
    """Return who the identities `person` are in the pool, by their own luck."""
    luck = _streams.uniform(_streams.keys(seed, _streams.Purpose.RECRUITMENT, jnp.asarray(person)), 1)[0]
    return pool.weights.choose(np.asarray(luck))


def people_told(given: GivenPopulation, pool: Pool) -> Iterator[str]:
    """Yield in words where people come from, where that is a table, who is let in by mistake, and how many different
    people weights leave.
    """
    yield from given.table_told
    if given.ineligible is not None:
        yield (
            f"{100.0 * given.ineligible:g} % of the people are let in though they do not meet the rules of entry, and "
            "are treated and analysed as the others; the table of patients says who (eligible)."
        )
    if given.baselines:
        yield (
            f"Recruitment is weighted to the entry scores of the study: the {given.pool:,} people of the pool then "
            f"amount to {pool.weights.effective:,.0f} different ones."
        )


def known_of(cohort: Cohort) -> dict[str, np.ndarray]:
    """Return what is known of each person before the trial, by column."""
    lesions = cohort.lesions
    return {
        "age_year": cohort.age_year,
        "sex": np.where(cohort.is_woman, "woman", "man"),
        "weight_kg": cohort.weight_kg,
        "creatinine_clearance_ml_per_min": cohort.creatinine_clearance_mL_min,
        "months_since_onset": cohort.time_since_onset_h / HOURS_A_MONTH,
        "side": np.where(cohort.is_right_affected, "right", "left"),
        "lesion": np.array(KINDS)[lesions.kind],
        "lesion_place": lesions.place_names(),
        "lesion_volume_ml": lesions.volume_mL,
    }


def features_of(people: People) -> dict[str, np.ndarray]:
    """Return what is known of a person before treatment and may tell responders from others."""
    return {
        "bias_leg": np.asarray(people.bias)[0],
        "bias_arm": np.asarray(people.bias)[1],
        "strength_leg": np.asarray(people.strength)[0],
        "contracture_leg": np.asarray(people.traits.contracture)[0],
        "ec50": np.asarray(people.receptor.ec50),
    }
