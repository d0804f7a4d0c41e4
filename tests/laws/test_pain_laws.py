"""Laws of pain: each channel has a treatment of its own, and what comes from the brain has none here."""

from __future__ import annotations

import dataclasses
from functools import reduce

import jax.numpy as jnp
import numpy as np
from arm_examples import N, some_people

from eutonia import parameters
from eutonia.assessment.scales import SCALES
from eutonia.assessment.scoring import chart, chart_constants, no_luck
from eutonia.simulation.course import Snapshot
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.people import People, Traits
from eutonia.simulation.stance import stance
from eutonia.simulation.treated import changed, under
from eutonia.treatment import Effects


def told(who: People, *effects: Effects) -> tuple[np.ndarray, np.ndarray]:
    """Return pain on stretch and at rest, as it is without luck."""
    done = reduce(Effects.joined, effects, Effects.none(who.n))
    people, snapshot = changed(who, done), under(Snapshot.untreated(who.n), done)
    body = body_constants()
    exam, standing = examine(people, snapshot, body), stance(people, snapshot, body)
    found = chart(people, exam, standing, no_luck(who.n), jnp.zeros(who.n), chart_constants())
    return np.asarray(found["pain"]), np.asarray(found["pain_at_rest"])


def stroke(central: float = 0.0) -> People:
    who = some_people()
    traits = dataclasses.replace(
        who.traits, contracture=jnp.full((2, N), 0.8), spasm=jnp.full((2, N), 0.5), central_pain=jnp.full(N, central)
    )
    return dataclasses.replace(who, traits=traits)


def both(**named: float) -> Effects:
    return Effects.on(N, "leg", **named).joined(Effects.on(N, "arm", **named))


def test_each_channel_has_a_treatment_of_its_own() -> None:
    untreated, _ = told(stroke())
    relaxed, _ = told(stroke(), both(bias_taken=20.0))
    supple, _ = told(stroke(), both(tissue=0.0))
    blocked, _ = told(stroke(), both(blockade=1.0))
    for found in (relaxed, supple, blocked):
        assert np.all(found <= untreated)
        assert np.all(found[3:] < untreated[3:])
    # Without signal no spasm and no tone, and what tissue gives is left; without that as well, nothing.
    tissue = parameters.load("pain").value("tissue_at_most", "1")
    assert np.all((relaxed > 0) & (relaxed <= 10 * tissue))
    np.testing.assert_allclose(told(stroke(), both(bias_taken=20.0), both(tissue=0.0))[0], 0.0, atol=1e-9)
    # Toxin leaves spasms as they are, and the drug leaves tissue: together they leave less than each.
    assert np.all(blocked[3:] > told(stroke(), both(bias_taken=20.0), both(blockade=1.0))[0][3:] - 1e-9)


def test_nothing_here_touches_what_comes_from_the_brain() -> None:
    size = parameters.load("pain").value("central_size", "1")
    with_it = told(stroke(size), both(bias_taken=20.0), both(tissue=0.0), both(blockade=1.0))[0]
    np.testing.assert_allclose(with_it, 10 * size, rtol=1e-9)
    assert np.all(told(stroke(size))[0] > told(stroke())[0])


def test_rest_hurts_no_more_than_a_stretch_and_both_the_same_without_tone() -> None:
    stretched, rested = told(stroke())
    assert np.all(rested <= stretched)
    assert np.all(rested[4:] < stretched[4:])
    relaxed = told(stroke(0.4), both(bias_taken=20.0), both(tissue=0.0))
    np.testing.assert_allclose(relaxed[0], relaxed[1], rtol=1e-9)


def test_some_survivors_have_central_pain_and_none_after_a_cord_lesion() -> None:
    person = jnp.arange(20_000)
    share, size = parameters.load("pain").values(central_share="1", central_size="1")
    drawn = np.asarray(Traits.draw(5, person, "stroke").central_pain)
    assert set(np.unique(drawn)) == {0.0, size}
    assert abs((drawn > 0).mean() - share) < 0.006
    np.testing.assert_array_equal(np.asarray(Traits.draw(5, person, "spinal cord injury").central_pain), 0.0)
    np.testing.assert_array_equal(np.asarray(Traits.draw(5, person[::-1], "stroke").central_pain), drawn[::-1])


def test_severe_pain_of_spasms_in_multiple_sclerosis_goes_where_tone_and_spasms_go() -> None:
    """Row TST049: 7 of 10 with severe pain were free of it on a pump, 3 better."""
    who = some_people()
    who = dataclasses.replace(
        who, bias=jnp.full((2, N), 4.5), traits=dataclasses.replace(who.traits, spasm=jnp.full((2, N), 1.0))
    )
    before, _ = told(who)
    after, _ = told(who, both(bias_taken=4.5))
    assert np.all(before >= 5.0)
    assert np.mean(after < 1.0) >= 0.7
    assert np.all(after < before)


def test_both_are_scales_of_their_own() -> None:
    assert {"pain", "pain_at_rest"} <= set(SCALES)
    assert SCALES["pain"].explained != SCALES["pain_at_rest"].explained
