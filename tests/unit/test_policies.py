"""What a policy is: data in, data out, and blind to everything that no clinic sees."""

from __future__ import annotations

import dataclasses
import pickle

import jax.numpy as jnp
import numpy as np
import pytest

from eutonia.assessment.reading import is_loose
from eutonia.assessment.scoring import Chart
from eutonia.study.policies import History, Moment
from eutonia.study.rules import StopRule
from eutonia.study.titration import LabelTitration, OralTitration

LABEL = {
    "policy": "label",
    "origin": "cerebral",
    "start": "100 ug/day",
    "target": {"scale": "ashworth", "limb": "leg", "at_most": 1.5},
    "max": "900 ug/day",
    "every": "7 day",
}
ORAL = {"policy": "oral label", "step": "5 mg", "max": "20 mg", "every": "3 day"}


def chart(leg: float, reflex: float, n: int = 3, stance: float = 1.2) -> Chart:
    muscles = jnp.concatenate([jnp.full((3, n), leg), jnp.full((3, n), 4.0)])
    limbs = jnp.stack([jnp.full(n, leg), jnp.full(n, 4.0)])
    scores = {"ashworth_muscle": muscles, "ashworth": limbs, "stance_support": jnp.full(n, stance)}
    return Chart({**scores, "reflex": jnp.stack([jnp.full(n, reflex), jnp.full(n, 3.0)])})


def history(now: Chart, **signs: np.ndarray) -> History:
    loose = {"loose leg": is_loose(now, "leg", 0.0)}
    dose = np.array([4.0, 4.0, 4.0])
    named = {name.replace("_", " "): flags for name, flags in signs.items()}
    return History(Moment(24.0 * 30), 0.0, dose, dose, now, now, {**loose, **named})


def test_a_loose_leg_is_read_off_the_chart_and_lowers_the_pump() -> None:
    policy = LabelTitration.model_validate(LABEL)
    assert np.all(policy.decide(history(chart(3.0, 2.0))).amount > 4.0)
    # No tone in any group of the leg and no reflex: too much, however much tone the arm has.
    leg_and_arm = LABEL | {"target": LABEL["target"] | {"limb": "leg and arm"}}  # type: ignore[operator]
    policy = LabelTitration.model_validate(leg_and_arm)
    assert np.all(policy.decide(history(chart(1.0, 0.0))).amount < 4.0)
    assert np.all(policy.decide(history(chart(1.0, 1.0))).amount > 4.0)


def test_a_history_holds_nothing_that_a_clinic_does_not_have() -> None:
    fields = {field.name for field in dataclasses.fields(History)}
    assert fields == {
        "moment", "start_h", "amount", "first", "chart", "before", "signs", "earlier", "screening", "notes",
    }  # fmt: skip


@pytest.mark.parametrize(("model", "table"), [(LabelTitration, LABEL), (OralTitration, ORAL)])
def test_policy_history_and_proposal_are_data(
    model: type[LabelTitration | OralTitration], table: dict[str, object]
) -> None:
    rules = [{"sign": "drowsiness", "then": "lower"}]
    policy = model.model_validate({**table, "stop_rule": rules})
    drowsy = history(chart(3.0, 2.0), drowsiness=np.array([True, False, False]))
    sent, heard = pickle.loads(pickle.dumps((policy, drowsy)))
    np.testing.assert_array_equal(sent.decide(heard).amount, policy.decide(drowsy).amount)
    assert pickle.loads(pickle.dumps(policy.decide(drowsy))).notes.keys() == policy.decide(drowsy).notes.keys()


def test_rules_hold_or_lower_and_never_raise() -> None:
    said = np.array([True, False, True])
    hold, lower = (StopRule.model_validate({"sign": "lost stance", "then": then}) for then in ("hold", "lower"))
    now = history(chart(3.0, 2.0), lost_stance=said)
    np.testing.assert_array_equal(hold.heeded(now, np.array([5.0, 5.0, 3.0])), [4.0, 5.0, 3.0])
    np.testing.assert_allclose(lower.heeded(now, np.array([5.0, 5.0, 3.0])), [3.6, 5.0, 3.0], rtol=0.15)
    # A sign that was there before is answered once; from then on the dose is held.
    again = dataclasses.replace(now, earlier={"lost stance": said})
    np.testing.assert_array_equal(lower.heeded(again, np.array([5.0, 5.0, 3.0])), [4.0, 5.0, 3.0])
