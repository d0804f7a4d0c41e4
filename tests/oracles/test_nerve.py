"""The spiking segments of a case's people against the reduced reflex that their charts are made of."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import jax.numpy as jnp
import numpy as np
import pytest

from eutonia.assessment.scoring import chart, chart_constants, no_luck
from eutonia.examination import nerve as nerve_tests
from eutonia.patient import LIMBS
from eutonia.simulation import nerve
from eutonia.simulation.bedside import Bedside, bedside
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.stance import stance
from eutonia.study.design import CaseStudy, load_study
from eutonia.tone.segment import protocols
from eutonia.trial.case import people_of_case

pytestmark = pytest.mark.xdist_group("segment")

LEG, DAY = LIMBS.index("leg"), 24.0
UNTREATED, ON_PUMP = 150.0, 300.0


@pytest.fixture(scope="module", params=[UNTREATED, ON_PUMP], ids=["untreated", "on the pump"])
def at(request: pytest.FixtureRequest) -> Bedside:
    study = load_study("case_haemorrhage_pump")
    assert isinstance(study, CaseStudy)
    people, snapshot, *_ = people_of_case(study, request.param * DAY)
    return bedside(people, snapshot)


def test_both_fidelities_find_the_same_h_reflex(at: Bedside) -> None:
    # Of a dozen people: those of the reduced model differ by more than tone, so one by one they need not agree.
    who = nerve.spread_by_tone(at, 12)
    spiking = np.array([protocols.recruitment(one).h_over_m for one in nerve.persons(at, who, seed=1)])
    people, snapshot, constants = at.people, at.snapshot, body_constants()
    exam, standing = examine(people, snapshot, constants), stance(people, snapshot, constants)
    charted = chart(people, exam, standing, no_luck(people.n), jnp.zeros(people.n), chart_constants())
    reduced = np.asarray(charted.h_reflex)[LEG, who]
    assert abs(spiking.mean() - reduced.mean()) < 0.12


def test_those_examined_are_spread_over_all(at: Bedside) -> None:
    left = np.asarray(at.people.bias[LEG] - at.snapshot.hyperpolarisation[LEG])
    who = nerve.spread_by_tone(at, 8)
    assert len(set(who.tolist())) == 8
    # One out of each eighth of the people in order of tone.
    order = np.argsort(np.argsort(left, kind="stable"))
    np.testing.assert_array_equal(np.sort(order[who] * 8 // left.size), np.arange(8))
    np.testing.assert_array_equal(nerve.spread_by_tone(at, 1000), np.arange(left.size))


def test_a_drug_closes_release_and_opens_potassium_and_rebound_raises_the_bias(at: Bedside) -> None:
    who = np.arange(4)
    state, bare = nerve.condition(at, who), at.people.bias[LEG, who]
    is_treated = bool((at.snapshot.receptor_effect[LEG, who] > 0.1).all())
    # What rounding leaves without drug is no effect.
    assert bool((state.girk > 1e-9).all()) is is_treated
    assert bool((state.release < 0.9).all()) is is_treated
    np.testing.assert_allclose(state.bias, bare, atol=1e-12)
    rebound = dataclasses.replace(
        at.snapshot,
        hyperpolarisation=at.snapshot.hyperpolarisation * 0.0 - 0.5,
        receptor_effect=at.snapshot.receptor_effect * 0.0 - 0.1,
        reflex_effect=at.snapshot.reflex_effect * 0.0 - 0.1,
    )
    loose = nerve.condition(dataclasses.replace(at, snapshot=rebound), who)
    np.testing.assert_allclose(loose.bias, bare + 0.5)
    np.testing.assert_array_equal(loose.girk, 0.0)
    assert bool((loose.release > 1.0).all())


def test_three_tests_of_one_examination_share_the_recruitment_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them shocked every nerve with every current anew: two thirds of a slow examination."""
    shocked: list[object] = []

    def recruitment(person: object) -> protocols.Recruitment:
        shocked.append(person)
        return object.__new__(protocols.Recruitment)

    monkeypatch.setattr(protocols, "recruitment", recruitment)
    monkeypatch.setattr(nerve_tests, "people_of", lambda at, seed: ["Anna", "Bert"])
    monday, tuesday = cast("list[Any]", [object(), object()])
    asked = ((monday, 1), (monday, 1), (tuesday, 1), (tuesday, 2))  # another bedside, and other luck, are read anew
    found = [nerve_tests._recruited(nerve_tests._Same(at), seed) for at, seed in asked]
    assert found[0] is found[1]
    assert shocked == ["Anna", "Bert"] * 3
