"""Pages explain every score that they show, in words, with its ends and the direction that is bad."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from report_examples import case, trial

from eutonia.assessment.scales import SCALES
from eutonia.report import glossary, page
from eutonia.trial.result import StudyResult

SCORES = [key for key, scale in SCALES.items() if scale.is_score]


@pytest.mark.parametrize("key", SCORES)
def test_a_score_is_explained_with_its_ends_and_the_bad_direction(key: str) -> None:
    scale, said = SCALES[key], glossary.score(key)
    assert scale.explained
    assert scale.ends in said
    assert ("higher is worse" if scale.worse > 0 else "lower is worse") in said
    # A reader takes in a sentence of some twenty words; the longest here is that of the spasms, a list of grades.
    assert max(len(sentence.split()) for sentence in re.split(r"[.;] ", said)) <= 35


@pytest.mark.parametrize("make", [trial, case])
def test_a_page_explains_what_it_shows_and_nothing_else(make: Callable[[], StudyResult]) -> None:
    result = make()
    told = page.html(result).partition('<section id="words">')[2].partition("</section>")[0]
    shown = set(result.visits["scale"].unique())
    for key in SCORES:
        assert (f"<dt>{SCALES[key].label}</dt>" in told) == (key in shown), key
