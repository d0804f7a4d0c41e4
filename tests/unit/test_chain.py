"""The chain of a report has the numbers of its run."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import report_examples as examples
import xarray as xr

from eutonia.report import chain, page


def course(left: list[float], lesion: float = 3.0, **more: list[float]) -> xr.Dataset:
    """Return a course of one leg and two people, the second of whom differs in nothing."""
    data = {"untreated_bias": [lesion] * len(left), "bias": left, **more}
    dims = ("time_h", "patient")
    found = xr.Dataset(
        {name: (dims, np.array([values, values]).T) for name, values in data.items()},
        coords={"time_h": np.arange(len(left)) * 24.0},
    )
    found["untreated_bias"].attrs["valid_max"] = 5.0
    of_limb = [name for name in ("untreated_bias", "bias", "ashworth") if name in found]
    return found.assign({name: found[name].expand_dims(limb=["leg"]) for name in of_limb})


def test_it_says_what_is_lost_and_what_the_drug_gives_back() -> None:
    nan = math.nan
    found = chain.numbers(
        course([3.0, 1.2, 0.6, 2.1], ashworth=[4.0, 2.4, nan, 3.2], stance_support=[0.9, 0.5, 0.6, 0.7])
    )
    assert found is not None
    assert (found.lost, found.given, found.last) == pytest.approx((0.6, 0.6, 0.3))
    assert (found.at_h, found.score, found.support) == (24.0, (4.0, 2.4, 3.2), (0.9, 0.5))
    assert chain.sentence({"": found}) == (
        "The leg has lost 60% of its damping; the drug gives back 60% of that at most (24 hours) and 30% at the end."
    )
    drawn = chain.drawing({"": found})
    assert "damping lost: 60%" in drawn.wide
    assert "gives back 60%" in drawn.wide
    assert "leg carries 90% to 50%" in drawn.words


def test_without_a_drug_nothing_is_given_back_and_a_rebound_is_told() -> None:
    none = chain.numbers(course([3.0, 3.0]))
    over = chain.numbers(course([3.0, 1.5, 3.6]))
    assert none is not None
    assert over is not None
    assert chain.sentence({"": none}) == "The leg has lost 60% of its damping; no drug acts on it in the spinal cord."
    assert "at the end tone is 20% above what the damage alone makes" in chain.sentence({"": over})
    assert chain.sentence({"tablets": none, "pump": over}).count("gives back") == 1


def test_a_drug_that_does_nearly_nothing_is_told_and_tone_that_comes_by_itself_is_not_its_doing() -> None:
    data = course([3.0, 3.0, 3.0], ashworth=[1.0, 4.0, 4.0])
    little = data.assign(csf_leg=(("time_h", "patient"), np.array([[0.0, 0.0], [0.0, 0.0], [9.0, 9.0]])))
    found = chain.numbers(little)
    assert found is not None
    assert chain.sentence({"Tablets": found}).endswith("tablets gives back 0% of that.")
    assert found.score == (4.0, 4.0, 4.0), "before is the last look before the drug, not the flaccid leg of the onset"
    nothing = chain.numbers(data)
    assert nothing is not None
    assert "Ashworth 4.00," in chain.drawing({"": nothing}).words


def test_who_has_no_raised_tone_has_no_chain() -> None:
    assert chain.numbers(course([0.0, 0.0], lesion=0.0)) is None
    assert chain.numbers(xr.Dataset()) is None
    assert chain.context({"": xr.Dataset()}) == ("", None)


def test_a_page_begins_with_plain_sentences_and_draws_the_chain() -> None:
    made = examples.case(zooms=())
    text = page.html(replace(made, course=made.course.assign(contracture=made.course["bias"])))
    assert text.index("<dt>Asked</dt>") < text.index("<dt>Found</dt>") < text.index("<dt>How sure</dt>")
    assert "The leg has lost 90% of its damping" in text
    assert '<section id="chain">' in text
    assert '<a href="#chain">' in text
    assert "Markup(" not in text, "a drawing stands where sentences should"
    assert text.count("More of the course") == 1
