"""The chain of a report has the numbers of its run."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import report_examples as examples
import xarray as xr

import eutonia
from eutonia.report import chain, page, plain, short
from eutonia.study.design import TrialStudy, parse_study, shipped
from eutonia.trial.trace import lesion_bias, traced_arm


def course(left: list[float], lesion: float | list[float] = 3.0, **more: list[float]) -> xr.Dataset:
    """Return a course of one leg and two people, the second of whom differs in nothing."""
    untreated = lesion if isinstance(lesion, list) else [lesion] * len(left)
    data = {"untreated_bias": untreated, "bias": left, **more}
    dims = ("time_h", "patient")
    found = xr.Dataset(
        {name: (dims, np.array([values, values]).T) for name, values in data.items()},
        coords={"time_h": np.arange(len(left)) * 24.0},
    )
    found["untreated_bias"].attrs["valid_max"] = 5.0
    scores = ("ashworth", "modified_ashworth")
    of_limb = [name for name in ("untreated_bias", "lesion_bias", "bias", *scores) if name in found]
    return found.assign({name: found[name].expand_dims(limb=["leg"]) for name in of_limb})


def test_it_says_what_is_too_strong_and_what_is_taken_away() -> None:
    nan = math.nan
    found = chain.numbers(
        course([3.0, 1.2, 0.6, 2.1], ashworth=[4.0, 2.4, nan, 3.2], stance_support=[0.9, 0.5, 0.6, 0.7])
    )
    assert found is not None
    assert (found.excess, found.taken, found.last) == pytest.approx((0.6, 0.6, 0.3))
    assert (found.at_h, found.score, found.support) == (24.0, (4.0, 2.4, 3.2), (0.9, 0.5))
    assert chain.sentence({"": found}) == (
        "The signal to the leg is too strong, by 60% of the most that a cord can have; treatment takes away 60% of "
        "that at most (24 hours) and 30% at the end."
    )
    drawn = chain.drawing({"": found})
    assert "signal too strong: 60%" in drawn.wide
    assert "takes away 60%" in drawn.wide
    assert "leg carries 90% to 50%" in drawn.words


def test_without_a_drug_nothing_is_taken_away_and_a_rebound_is_told() -> None:
    none = chain.numbers(course([3.0, 3.0]))
    over = chain.numbers(course([3.0, 1.5, 3.6]))
    assert none is not None
    assert over is not None
    assert chain.sentence({"": none}).endswith("; no treatment lowers it.")
    assert "at the end tone is 20% above what the damage alone makes" in chain.sentence({"": over})
    assert chain.sentence({"tablets": none, "pump": over}).count("takes away") == 1


def test_a_drug_that_does_nearly_nothing_is_told_and_tone_that_comes_by_itself_is_not_its_doing() -> None:
    data = course([3.0, 3.0, 3.0], ashworth=[1.0, 4.0, 4.0])
    little = data.assign(csf_leg=(("time_h", "patient"), np.array([[0.0, 0.0], [0.0, 0.0], [9.0, 9.0]])))
    found = chain.numbers(little)
    assert found is not None
    assert chain.sentence({"Tablets": found}).endswith("tablets takes away 0% of that.")
    assert found.score == (4.0, 4.0, 4.0), "before is the last look before the drug, not the flaccid leg of the onset"
    nothing = chain.numbers(data)
    assert nothing is not None
    assert "Ashworth 4.00," in chain.drawing({"": nothing}).words


def test_a_drug_that_lowers_the_signal_itself_takes_it_away_like_any_other() -> None:
    found = chain.numbers(course([3.0, 1.5], [3.0, 1.5], lesion_bias=[3.0, 3.0]))
    assert found is not None
    assert (found.excess, found.taken) == pytest.approx((0.6, 0.5)), "not a lesser lesion, and not no treatment"


def test_the_lesions_own_signal_is_told_where_a_treatment_keeps_a_share_of_it() -> None:
    untreated = xr.Variable(("time_h", "limb", "patient"), np.arange(12.0).reshape(2, 2, 3))
    kept = np.ones((2, 2, 3))
    kept[1, 0] = 0.5  # of the second limb at the first look
    found = lesion_bias(untreated, kept.reshape(2, 6))["lesion_bias"].values
    assert found[0, 1] == pytest.approx([6.0, 8.0, 10.0])
    assert found[1] == pytest.approx(untreated.values[1])
    assert not lesion_bias(untreated, np.ones((2, 6)))


def test_most_is_the_most_mv_and_not_the_largest_share_of_next_to_nothing() -> None:
    found = chain.numbers(course([0.1, 0.0, 3.0, 2.0, 3.001], [0.1, 0.1, 3.0, 3.0, 3.0]))
    assert found is not None
    assert (found.at_h, found.excess) == (72.0, 0.6)
    assert chain.sentence({"": found}).endswith("takes away 33% of that at most (3 days) and 0% at the end.")


def test_options_are_told_from_where_they_part() -> None:
    stays, stops = (course([3.0, 0.0, 1.5, last, last]) for last in (1.2, 3.0))
    told, drawn = chain.context({"Taper": stays, "Stop": stops})
    assert "taper takes away 60% of that; stop takes away 0% of that" in told
    assert drawn is not None
    assert "100%" not in drawn.words, "what all had in their common past is no difference between them"


def blocked(limb: str) -> xr.Dataset:
    """Return a course with a toxin in a limb, its effect come and gone; the study asks for one of two scales."""
    found = course(
        [3.0] * 4, ashworth=[3.0] * 4, modified_ashworth=[2.4, 1.4, 2.0, 2.4], blockade_x=[0.0, 0.7, 0.3, 0.0]
    )
    found["blockade_x"].attrs |= {"muscle": "plantarflexors", "limb": limb}
    return found


def test_a_toxin_is_told_by_the_scale_of_the_study_where_it_blocks_most_and_in_its_own_limb() -> None:
    each = [chain.context({"": blocked(limb)}, scales=["modified_ashworth"]) for limb in ("leg", "arm")]
    (told, drawn), (other_told, other) = each
    assert "toxin: 70% of the reflex force of the plantarflexors" in told
    assert other_told.endswith("; no treatment lowers it.")
    assert drawn is not None
    assert other is not None
    assert "Modified Ashworth 2.40 to 1.40" in drawn.words
    assert "70% of the reflex force of the plantarflexors" in drawn.words
    assert "plantarflexors" not in other.words


def test_an_arm_does_not_stand() -> None:
    arm = course([3.0, 1.0], stance_support=[1.3, 1.2]).assign_coords(limb=["arm"])
    found = chain.numbers(arm, "arm")
    assert found is not None
    assert "carries" not in chain.drawing({"": found}).words


@pytest.mark.parametrize(("plasma", "is_poisoning"), [(100.0, False), (4000.0, True)])
def test_levels_of_poisoning_have_no_percentage(plasma: float, is_poisoning: bool) -> None:
    found = chain.numbers(course([3.0, 1.0], plasma=[0.0, plasma], risk_drowsiness=[0.0, 0.08]))
    assert found is not None
    drawn = chain.drawing({"": found}).words
    assert ("drowsy within a day: 8%" in drawn) != is_poisoning
    assert ("4 000 ng/mL at most".replace(" ", "\u202f", 1) in drawn) == is_poisoning


def test_the_chain_of_a_trial_is_of_its_longest_phase_and_says_whose_it_is() -> None:
    traces = course([3.0, 0.0, 3.0, 2.0, 2.4])
    assert chain.traced(traces) == ({}, ""), "traces that do not say whose they are are not told as results"
    about = {"longest_phase": "pump", "longest_arm": "infusion", "longest_from_h": 48.0, "longest_to_h": 96.0}
    courses, whose = chain.traced(traces.assign_attrs(about))
    why = dict(plain.context("trial", [("Asked", "What?")], courses=courses, whose=whose)["plain"])["Why"]
    assert "takes away 33% of that at most (24 hours) and 20% at the end." in why
    assert "the first 2 people, all of them in the arm infusion of the phase pump" in why


def test_who_has_no_raised_tone_has_no_chain() -> None:
    assert chain.numbers(course([0.0, 0.0], lesion=0.0)) is None
    assert chain.numbers(xr.Dataset()) is None
    assert chain.context({"": xr.Dataset()}) == ("", None)


def test_a_page_begins_with_plain_sentences_and_draws_the_chain() -> None:
    made = examples.case(zooms=())
    text = page.html(replace(made, course=made.course.assign(contracture=made.course["bias"])))
    assert text.index("<dt>Asked</dt>") < text.index("<dt>Found</dt>") < text.index("<dt>How sure</dt>")
    assert "The signal to the leg is too strong, by 90%" in text
    assert '<section id="chain">' in text
    assert '<a href="#chain">' in text
    assert "Markup(" not in text, "a drawing stands where sentences should"
    assert text.count("More of the course") == 1


def test_traces_are_of_the_arm_that_the_analysis_asks_about() -> None:
    """An open trial without placebo begins with the arm that the other is compared with."""
    for name, arm in (("pump_against_conventional", "pump"), ("toxin_arm", "500 U"), ("parallel_tablets", "baclofen")):
        study = eutonia.load_study(name)
        assert isinstance(study, TrialStudy)
        assert traced_arm(study, study.phases[-1]).name == arm
    asked = '[[analysis.endpoint]]\narm = "placebo"\nagainst = "baclofen"'
    study = parse_study(shipped()["parallel_tablets"].read_text("utf-8").replace("[[analysis.endpoint]]", asked))
    assert isinstance(study, TrialStudy)
    assert traced_arm(study, study.phases[0]).name == "baclofen", "a placebo has nothing to trace"


def test_a_trial_asks_about_its_arms_by_name() -> None:
    trial = examples.trial()
    asked = dict(short.plain(trial))["Asked"]
    assert asked.startswith("What do “baclofen”, “saline” and “infusion” do in "), asked
    once = dict(short.plain(replace(trial, run={**trial.run, "replicates": 1})))["Asked"]
    assert once.endswith("The trial was run once.")
