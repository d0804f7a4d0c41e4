"""What every scale, policy and treatment has to keep, ours and a stranger's: whatever is registered is tried here."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import outside_policy
import outside_scale
import outside_treatment
import pytest

from eutonia.assessment.scales import SCALES, Scale
from eutonia.assessment.scoring import Chart, chart, chart_constants, draw_luck, look_at, no_luck
from eutonia.drug.effect.gaba_b import Receptor
from eutonia.drug.kinetics import Kinetics
from eutonia.parameters import citations
from eutonia.simulation.course import Course, Snapshot, start
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.people import People, Traits
from eutonia.simulation.stance import stance
from eutonia.study.fields import Reference
from eutonia.study.policies import POLICIES, History, Moment, Policy, Screening
from eutonia.study.treatments import TREATMENTS, Treatment

N = 128
OURS = {"scale": tuple(SCALES), "policy": tuple(POLICIES), "treatment": tuple(TREATMENTS)}
for registry, thing in (
    (SCALES, outside_scale.FELT_STIFFNESS),
    (POLICIES, outside_policy.BySpasms),
    (TREATMENTS, outside_treatment.ColdPack),
):
    registry.register(thing)
EVERY_SCALE = [scale for scale in SCALES.values() if scale.is_score]
EVERY_POLICY, EVERY_TREATMENT = list(POLICIES.values()), list(TREATMENTS.values())
for registry, kept in ((SCALES, OURS["scale"]), (POLICIES, OURS["policy"]), (TREATMENTS, OURS["treatment"])):
    for name in set(registry) - set(kept):
        registry.remove(name)

TARGET = {"scale": "ashworth", "limb": "leg", "at_most": 1.5}
#: One table of each; a policy or treatment that is new has to show one here.
TABLES: dict[str, dict[str, Any]] = {
    "label": {"origin": "cerebral", "start": "100 ug/day", "target": TARGET, "max": "900 ug/day", "every": "7 day"},
    "to relief": {"start": "50 ug/day", "step": "25 ug/day", "target": TARGET, "max": "900 ug/day", "every": "2 day"},
    "screening ladder": {
        "doses": ["25 ug", "50 ug"],
        "every": "24 hour",
        "response": {"scale": "ashworth", "limb": "leg", "fall": 1.0},
    },
    "oral label": {"step": "5 mg", "max": "20 mg", "every": "3 day"},
    "stop": {"at": "2 day", "over": "4 day"},
    "by spasms": {"share": 0.2, "every": "1 day"},
    "oral": {"product": "baclofen tablets", "dose": "10 mg", "every": "8 hour"},
    "intrathecal bolus": {
        "product": "Lioresal Intrathecal",
        "dose": "50 ug",
        "at": "0 hour",
        "access": "lumbar puncture",
    },
    "intrathecal infusion": {"product": "Lioresal Intrathecal", "rate": "100 ug/day", "tip": "T10"},
    "pump": {"program": "flex_night"},
    "intramuscular": {
        "product": "abobotulinumtoxinA",
        "muscle": "elbow flexors",
        "dose": "300 aboU",
        "at": "0 hour",
        "every": "12 week",
    },
    "stretching": {"limb": "leg", "hours_per_day": 0.5, "start": "0 hour"},
    "own signal": {"limb": "leg", "lowered": 0.1, "start": "0 hour"},
    "cold pack": {"limb": "leg", "at": "1 hour"},
}


def of(model: type[Policy] | type[Treatment]) -> Any:
    table = TABLES.get(model.named()) or dict(getattr(model, "example", {}))
    return model.model_validate({model.tag: model.named(), **table})


@pytest.fixture(scope="module")
def people() -> People:
    """People from healthy to rigid, each with muscles, reflexes and spasms of their own."""
    luck = np.random.default_rng(3).standard_normal
    zero = jnp.zeros((2, N))
    traits = Traits(jnp.asarray(luck((8, N))), zero + 1.0, *(jnp.asarray(0.3 * luck((2, N))) for _ in range(3)))
    return People(
        person=jnp.arange(N),
        weight_kg=jnp.full(N, 70.0),
        kinetics=Kinetics.typical(N),
        receptor=Receptor.typical().draw(jnp.zeros((2, N)), (0.0, 0.0)),
        traits=traits,
        bias=jnp.linspace(0.0, 4.9, N) * jnp.ones((2, N)),
        strength=jnp.linspace(1.0, 0.2, N) * jnp.ones((2, N)),
        time_since_onset_h=jnp.full(N, 8766.0),
    )


def charted(who: People, scale: Scale, *, luckless: bool = True) -> Chart:
    SCALES.register(scale)
    try:
        snapshot, body, constants = Course(who).snapshot(start(who)), body_constants(), chart_constants()
        luck = no_luck(who.n) if luckless else draw_luck(5, who.person, 2, constants)
        found = examine(who, snapshot, body), stance(who, snapshot, body)
        return chart(who, *found, luck, jnp.zeros(who.n), constants)
    finally:
        if scale.key not in OURS["scale"]:
            SCALES.remove(scale.key)


def cited(sources: tuple[str, ...]) -> None:
    for source in sources:
        assert " " in source or source in citations.entries() or source == "assumption", source
        if source != "assumption":
            assert Reference().read_in(source, _Nothing())


@dataclasses.dataclass
class _Nothing:
    context: Mapping[str, object] | None = None


@pytest.mark.parametrize("scale", EVERY_SCALE, ids=lambda scale: scale.key)
def test_a_scale_is_finite_within_its_ends_and_whole_in_any_block(scale: Scale, people: People) -> None:
    for luckless in (True, False):
        scores = np.asarray(charted(people, scale, luckless=luckless)[scale.key])
        assert scores.shape == ((2, N) if scale.of_limb else (N,))
        assert np.all(np.isfinite(scores))
        assert np.all((scores >= scale.lowest) & (scores <= scale.highest))
        halves = [people.take(slice(k, k + N // 2)) for k in (0, N // 2)]
        parts = [np.asarray(charted(half, scale, luckless=luckless)[scale.key]) for half in halves]
        np.testing.assert_array_equal(np.concatenate(parts, axis=-1), scores)


@pytest.mark.parametrize("scale", EVERY_SCALE, ids=lambda scale: scale.key)
def test_a_scale_never_calls_more_tone_less_and_health_normal(scale: Scale, people: People) -> None:
    """Where it scores limbs; a score of the whole person goes by strength and tissue too."""
    one = people.take(jnp.full(N, N // 2))
    if scale.of_limb:
        stiffer = dataclasses.replace(one, bias=people.bias)
        scores = np.asarray(charted(stiffer, scale)[scale.key])
        assert np.all(scale.worse * np.diff(scores, axis=-1) >= 0)
        assert np.ptp(scores) > 0
    healthy = dataclasses.replace(
        one,
        bias=jnp.zeros((2, N)),
        strength=jnp.ones((2, N)),
        traits=jax.tree.map(jnp.zeros_like, one.traits),
    )
    if scale.normal is not None:
        np.testing.assert_array_equal(charted(healthy, scale)[scale.key], scale.normal)


@pytest.mark.parametrize("scale", EVERY_SCALE, ids=lambda scale: scale.key)
def test_a_charted_score_stands_for_the_level_that_is_scored_so(scale: Scale, people: People) -> None:
    """What a chart says and what the program scores are one scale: level to score and back."""
    if scale.latent is None or scale.latent_of is None or not scale.of_limb:
        return
    snapshot, body = Snapshot.untreated(N), body_constants()
    own = (examine(people, snapshot, body), stance(people, snapshot, body))
    look = look_at(people, *own, no_luck(N), jnp.zeros(N), chart_constants())
    level, score = np.asarray(scale.latent(look)), np.asarray(scale.score(look))
    for grade in np.unique(score):
        here = level[score == grade]
        middle = scale.latent_of(float(grade))
        inner = (grade > score.min()) & (grade < score.max())
        assert not inner or here.min() - 1e-9 <= middle <= here.max() + 1e-9
    levels = [scale.latent_of(float(grade)) for grade in np.unique(score)]
    assert np.all(np.diff(levels) > 0)


@pytest.mark.parametrize("scale", [*EVERY_SCALE, SCALES["adverse"]], ids=lambda scale: scale.key)
def test_a_scale_says_what_it_is_and_cites(scale: Scale) -> None:
    assert scale.sources
    cited(scale.sources)
    assert scale.label
    assert scale.meaning
    assert scale.lowest < scale.highest
    assert scale.step > 0
    assert pickle.loads(pickle.dumps(scale)) == scale


def history(n: int, moment: Moment, **notes: np.ndarray) -> History:
    """Return what a clinic has seen of people with rising tone, a third of whom are drowsy."""
    tone = np.linspace(1.0, 5.0, n)
    limbs, muscles = jnp.asarray(np.stack([tone, tone])), jnp.asarray(np.stack([tone] * 6))
    keys = ("ashworth", "modified_ashworth", "spasm", "reflex", "h_reflex")
    seen = Chart({"ashworth_muscle": muscles, "modified_ashworth_muscle": muscles, **dict.fromkeys(keys, limbs)})
    signs = dict.fromkeys(("loose leg", "drowsiness"), np.arange(n) % 3 == 0)
    known = Screening(np.full(n, 50.0), tone - 1.0, np.arange(n) % 2 == 0)
    dose = np.full(n, 5.0)
    return History(moment, 0.0, dose, dose, seen, seen, signs, {}, known, notes)


def halved(whole: History, begin: int, end: int) -> History:
    parts = {
        field.name: jax.tree.map(lambda leaf: np.asarray(leaf)[..., begin:end], getattr(whole, field.name))
        for field in dataclasses.fields(History)
        if field.name in ("amount", "first", "chart", "before", "signs", "earlier", "notes")
    }
    known = whole.screening
    assert known is not None
    part = Screening(*(getattr(known, field.name)[begin:end] for field in dataclasses.fields(Screening)))
    return dataclasses.replace(whole, **parts, screening=part)


@pytest.mark.parametrize("model", EVERY_POLICY, ids=lambda model: model.named())
def test_a_policy_is_data_that_decides_each_person_alone(model: type[Policy]) -> None:
    policy = of(model)
    assert model.model_validate(policy.model_dump(mode="json", by_alias=True, exclude_none=True)) == policy
    steered = of(TREATMENTS[policy.steers or "oral"])
    first = policy.first(np.full(8, 5.0), None)
    assert first.shape == (8,)
    assert np.all(np.isfinite(first) & (first >= 0))
    moments = policy.moments(steered, 24.0 * 30, 24.0 * 30)
    assert moments
    assert [one.time_h for one in moments] == sorted(one.time_h for one in moments)
    moment = next((one for one in moments if one.gives), moments[0])
    whole = history(12, moment)
    decided = policy.decide(whole)
    amount = decided.amount
    assert amount is not None
    assert amount.shape == (12,)
    assert np.all(np.isfinite(amount) & (amount >= 0))
    again = pickle.loads(pickle.dumps((policy, whole)))
    np.testing.assert_array_equal(again[0].decide(again[1]).amount, amount)
    parts = [policy.decide(halved(whole, *ends)).amount for ends in ((0, 5), (5, 12))]
    np.testing.assert_array_equal(np.concatenate(parts), amount)
    assert all(isinstance(note, np.ndarray) for note in decided.notes.values())
    assert policy.sources
    cited(policy.sources)


@pytest.mark.parametrize("model", EVERY_POLICY, ids=lambda model: model.named())
@pytest.mark.parametrize("then", ["hold", "lower"])
def test_no_policy_raises_a_dose_on_a_sign_that_its_rules_heed(model: type[Policy], then: str) -> None:
    rules = [{"sign": "drowsiness", "then": then}]
    policy = model.model_validate({model.tag: model.named(), **TABLES[model.named()], "stop_rule": rules})
    for moment in policy.moments(of(TREATMENTS[policy.steers or "oral"]), 24.0 * 30, 24.0 * 30)[:3]:
        if not moment.looks or moment.gives:
            continue
        seen = history(12, moment, **notes_of(policy, moment))
        amount = policy.decide(seen).amount
        drowsy = seen.signs["drowsiness"]
        assert amount is None or np.all(amount[drowsy] <= seen.amount[drowsy])


def notes_of(policy: Policy, moment: Moment) -> Mapping[str, np.ndarray]:
    """Return what a policy of test doses has noted when it judges one: that it was given."""
    return policy.decide(history(12, dataclasses.replace(moment, gives=True))).notes if policy.tests_doses else {}


@pytest.mark.parametrize("model", EVERY_TREATMENT, ids=lambda model: model.named())
def test_a_treatment_says_when_it_is_given_and_cites(model: type[Treatment]) -> None:
    treatment = of(model)
    assert pickle.loads(pickle.dumps(treatment)) == treatment
    assert model.model_validate(treatment.model_dump(mode="json", by_alias=True, exclude_none=True)) == treatment
    assert 0.0 <= treatment.begins_h < treatment.ends_h
    assert treatment.amount is None or treatment.dose_text.startswith(treatment.amount.text)
    assert treatment.product_faults() == []
    assert treatment.sources
    cited(treatment.sources)


@pytest.mark.parametrize(
    "model", [one for one in EVERY_TREATMENT if one.effects is not Treatment.effects], ids=lambda model: model.named()
)
def test_effects_are_finite_alike_in_any_block_and_whoever_looked_when(model: type[Treatment]) -> None:
    treatment = of(model)

    def after(n: int, *spans: float, given: bool = True) -> Any:
        state = treatment.begin(n)
        for span in spans:
            state = treatment.advance(state, span, given)
        return treatment.effects(state, given)

    for given in (True, False):
        whole = after(8, 3.0, given=given)
        for name, values in vars(whole).items():
            assert np.all(np.isfinite(values)), name
            np.testing.assert_array_equal(np.asarray(getattr(after(3, 3.0, given=given), name)), values[..., :3])
            np.testing.assert_allclose(getattr(after(8, 1.0, 2.0, given=given), name), values, rtol=1e-9)
        for share in ("bias_kept", "strength", "tissue", "gain", "release", "force", "spindles", "opponent"):
            assert np.all(np.asarray(getattr(whole, share)) >= 0), share
        assert np.all((np.asarray(whole.blockade) >= 0) & (np.asarray(whole.blockade) <= 1))
