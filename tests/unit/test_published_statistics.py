"""Every statistic that a paper may print, against a computation by hand on an outcome of two trials of four people."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from study_examples import STROKE

from eutonia import parameters
from eutonia.errors import StudyError
from eutonia.report.records import citations_of
from eutonia.report.words import quantity_label, shown_unit
from eutonia.study.design import TrialStudy, load_study, parse_study
from eutonia.study.published import PublishedRow as PublishedRow
from eutonia.study.published import Statistic
from eutonia.trial.analysis import Outcome, quantities
from eutonia.trial.block_outcome import VisitRecord
from eutonia.trial.record import run_record
from eutonia.trial.result import Published, Quantity
from eutonia.trial.statistics import STATISTICS

HEAD = (
    """
[study]
name = "tiny"
title = "Two arms, four people, two trials"
kind = "trial"
seed = 1
[population]
n = 4
"""
    + STROKE
    + """\
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["ashworth", "walking_speed", "adverse"]
rater = "human"
[[phase]]
name = "only"
design = "parallel"
masking = "double blind"
visits = ["0 week", "6 week"]
nonspecific = false
dropout = false
[[phase.arm]]
name = "tablets"
[[phase.arm.treatment]]
product = "baclofen tablets"
route = "oral"
dose = "10 mg"
every = "8 hour"
[[phase.arm]]
name = "placebo"
placebo = true
"""
)
ROW = {
    "phase": '"only"',
    "arm": '"tablets"',
    "scale": '"ashworth"',
    "limb": '"leg"',
    "visit": '"6 week"',
    "source": '"Meythaler_2001"',
    "status": '"verified"',
}
# Leg Ashworth before and after, two trials of four; the first two of each are on tablets, all are seen but the last.
BEFORE = [3.0, 4.0, 3.0, 2.0, 4.0, 2.0, 3.0, 3.0]
AFTER = [2.0, 2.5, 3.0, 2.0, 3.5, 1.0, 2.0, 5.0]
TABLETS = [0, 0, 1, 1, 0, 0, 1, 1]
SEEN = [True] * 7 + [False]
REACTIONS = pl.DataFrame(
    {
        "reaction": ["drowsiness", "drowsiness", "headache"],
        "phase": ["only"] * 3,
        "arm": ["tablets", "placebo", "tablets"],
        "share": [0.2, 0.1, 0.4],
        "low": [0.1, 0.0, 0.3],
        "high": [0.3, 0.2, 0.5],
        "n": [2.0, 2.0, 2.0],
    }
)


def with_row(statistic: str, **more: str | None) -> str:
    keys = {**ROW, "statistic": f'"{statistic}"', "value": "0.5", **more}
    return HEAD + "\n[[published]]\n" + "\n".join(f"{key} = {text}" for key, text in keys.items() if text) + "\n"


def tiny(text: str) -> Outcome:
    study = parse_study(text)
    assert isinstance(study, TrialStudy)

    def record(arm: str, visit: int, leg: list[float]) -> VisitRecord:
        scores = {"ashworth": np.array([leg, leg]), "walking_speed": np.array(leg) / 10}
        rest = (np.zeros(8), np.zeros(8))
        return VisitRecord("only", arm, visit, 1008.0 * visit, scores, np.array(SEEN), *rest)

    visits = {("only", arm, k): record(arm, k, (BEFORE, AFTER)[k]) for arm in ("tablets", "placebo") for k in (0, 1)}
    everybody, nobody = {"only": np.ones(8, dtype=bool)}, {"only": np.zeros(8, dtype=bool)}
    return Outcome(
        study, 2, visits, everybody, everybody, {"only": np.array(TABLETS)}, nobody, {}, {}, member=np.arange(8)
    )


def found(statistic: str, **more: str | None) -> Quantity:
    of = quantities(tiny(with_row(statistic, **more)), REACTIONS)
    return next(q for q in of if q.statistic == statistic and q.published is not None)


BY_HAND: list[tuple[str, dict[str, str | None], tuple[float, float]]] = [
    # the value of either trial
    ("mean", {"value": "2.0"}, ((2.0 + 2.5) / 2, (3.5 + 1.0) / 2)),
    ("sd", {}, (math.sqrt(0.125), math.sqrt(3.125))),
    ("change from baseline", {"value": "-1.0"}, ((-1.0 - 1.5) / 2, (-0.5 - 1.0) / 2)),
    ("difference between arms", {"value": "-0.2", "against": '"placebo"'}, (2.25 - 2.5, 2.25 - 2.0)),
    ("ratio", {"against": '"placebo"'}, (2.25 / 2.5, 2.25 / 2.0)),
    ("ratio", {}, (2.25 / 3.5, 2.25 / 3.0)),
    ("fraction removed", {}, (1.25 / 2.5, 0.75 / 2.0)),
    ("share with a fall", {"fall": "1.0"}, (1.0, 0.5)),
    ("share with a fall", {"fall": "1.5"}, (0.5, 0.0)),
    ("share lost", {}, (0.0, 0.0)),
    ("share lost", {"scale": '"walking_speed"', "limb": None}, (1.0, 0.5)),
]


@pytest.mark.parametrize(("statistic", "keys", "trials"), BY_HAND)
def test_a_statistic_is_what_a_hand_computes(
    statistic: str, keys: dict[str, str | None], trials: tuple[float, float]
) -> None:
    one = found(statistic, **keys)
    assert one.mean == pytest.approx(np.mean(trials))
    assert (one.low, one.high) == pytest.approx(tuple(np.percentile(trials, [2.5, 97.5])))
    assert (one.phase, one.arm, one.visit) == ("only", "tablets", "6 week")


def test_the_spread_of_a_change_is_that_of_changes() -> None:
    one = found("change from baseline", value="-1.0")
    assert one.sd == pytest.approx(np.mean([np.std([-1.0, -1.5], ddof=1), np.std([-0.5, -1.0], ddof=1)]))


def test_a_share_with_a_reaction_is_read_from_the_table_of_reactions() -> None:
    one = found("share with a reaction", reaction='"drowsiness"', scale=None, limb=None, visit=None)
    assert (one.mean, one.low, one.high) == (0.2, 0.1, 0.3)
    assert quantity_label(one).startswith("Adverse reactions, share with drowsiness")
    assert shown_unit(one) == (100.0, "%")


def test_a_reaction_that_is_not_counted_is_never_met() -> None:
    one = found("share with a reaction", reaction='"nausea"', scale=None, limb=None, visit=None)
    assert math.isnan(one.mean)
    assert one.grade is None, "nobody can be judged by nothing"
    assert one.agreement == "no verdict: no replicate trial has such a number"
    assert dataclasses.replace(one, withheld="").grade == "does not"


def test_every_statistic_is_computed_and_every_one_is_tested_here() -> None:
    names = set(PublishedRow.model_fields["statistic"].annotation.__args__)  # type: ignore[union-attr]
    assert names == set(STATISTICS) == set(Statistic.__args__)  # type: ignore[attr-defined]
    elsewhere = {"share with a reaction", "share entered", "dose", "lowest dose", "highest dose"}
    assert names - elsewhere == {statistic for statistic, _, _ in BY_HAND}


def test_a_unit_is_that_of_what_is_measured() -> None:
    assert found("change from baseline", scale='"walking_speed"', limb=None, value="-0.1").unit == "m/s"
    assert found("ratio", scale='"walking_speed"', limb=None).unit == ""


@pytest.mark.parametrize(
    ("statistic", "keys", "says"),
    [
        ("difference between arms", {}, "needs against"),
        ("difference between arms", {"against": '"tablets"'}, "another one"),
        ("difference between arms", {"against": '"sham"'}, 'no such arm in phase "only"'),
        ("mean", {"against": '"placebo"', "value": "2.0"}, "has no against"),
        ("share with a fall", {}, "needs fall"),
        ("share with a fall", {"fall": "7.0"}, "0 to 4"),
        ("change from baseline", {"value": "-4.5"}, "0 to 4"),
        ("share with a reaction", {"scale": None, "limb": None, "visit": None}, "needs reaction"),
        (
            "share with a reaction",
            {"scale": None, "limb": None, "visit": None, "reaction": '"drowsines"'},
            'Nearest: "drowsiness"',
        ),
        ("share with a fall", {"fall": "1.0", "value": "50"}, "Divide a percentage by 100"),
    ],
)
def test_a_row_that_does_not_hold_together_is_refused(statistic: str, keys: dict[str, str | None], says: str) -> None:
    with pytest.raises(StudyError) as refused:
        parse_study(with_row(statistic, **keys))
    assert says in " ".join(str(refused.value).split())


def test_a_printed_standard_error_is_used_and_a_derived_one_only_for_means() -> None:
    one = found("difference between arms", value="-0.2", against='"placebo"', n="30", sd="1.0")
    assert one.published_standard_error is None, "an SD of people says nothing of a difference without both numbers"
    assert found("ratio", se="0.2").published_standard_error == 0.2
    change = found("change from baseline", value="-1.0", sd="1.0", n="25")
    assert change.published_standard_error == pytest.approx(0.2)
    assert dataclasses.replace(change, published=Published(0.5)).published_standard_error is None


# --- where it was published ------------------------------------------------------------------------------------------

BIB = """@comment{jabref-meta: databaseType:bibtex;}
@string{jrm = "J Rehabil Med"}
@article{Newcomer_2026,
  author = {Newcomer, A. and Other, B.},
  title  = {A trial of {T}ablets},
  year   = {2026}
}
"""


def test_a_key_of_a_file_beside_the_study_is_a_source(tmp_path: Path) -> None:
    (tmp_path / "references.bib").write_text(BIB)
    path = tmp_path / "tiny.toml"
    path.write_text(with_row("mean", value="2.0", source='"Newcomer_2026"'))
    study = load_study(str(path))
    text, bibtex = study.cited["Newcomer_2026"]
    assert text == "Newcomer, A. and Other, B. A trial of Tablets. 2026"
    assert bibtex.startswith("@article{Newcomer_2026,")
    assert study.override(seed=5).cited == study.cited, "a changed study still knows its references"


def test_a_slip_in_a_key_names_the_nearest_of_both_files(tmp_path: Path) -> None:
    (tmp_path / "references.bib").write_text(BIB)
    path = tmp_path / "tiny.toml"
    for given, near in (("Newcomer_2025", "Newcomer_2026"), ("Meythaler_201", "Meythaler_2001")):
        path.write_text(with_row("mean", value="2.0", source=f'"{given}"'))
        with pytest.raises(StudyError) as refused:
            load_study(str(path))
        said = " ".join(str(refused.value).split())
        assert f'Given: "{given}"' in said
        assert f'"{near}"' in said
        assert "write the reference" in said


def test_a_broken_file_beside_the_study_is_named_where_its_key_is_missed(tmp_path: Path) -> None:
    (tmp_path / "references.bib").write_text("@article{Half_2020, title = {no end")
    path = tmp_path / "tiny.toml"
    path.write_text(with_row("mean", value="2.0"))
    load_study(str(path))  # a file that nothing cites from does not stand in the way
    path.write_text(with_row("mean", value="2.0", source='"Half_2020"'))
    with pytest.raises(StudyError, match=r"references\.bib cannot be read"):
        load_study(str(path))


def test_a_reference_as_text_is_cited_as_it_stands(tmp_path: Path) -> None:
    reference = "Newcomer A, Other B. A trial of tablets. J Rehabil Med 2026;58:1-9"
    study = parse_study(with_row("mean", value="2.0", source=f'"{reference}"'))
    with parameters.recording() as used:
        parameters.load("trial").value("minimal_important_change_arm", "score")
    record = run_record(1, "", used, 0.0, study.cited)
    assert {"key": reference, "text": reference} in [
        {key: source[key] for key in ("key", "text")} for source in record["sources"]
    ]
    (tmp_path / "run.json").write_text(json.dumps(dict(record)))
    bibtex = citations_of(tmp_path)
    assert f"note = {{{reference}}}" in bibtex
    assert bibtex.count("@") >= 2
