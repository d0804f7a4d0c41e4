"""Botulinum toxin in study files: what is read, what is refused and how, and what the pages and files say of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pytest
from study_examples import STROKE

import eutonia
from eutonia.study import toxin
from eutonia.study.design import json_schema, parse_study
from eutonia.study.fields import Named
from eutonia.trial.result import StudyResult

pytestmark = pytest.mark.xdist_group("slow clock")

LONGEST = 150
TREATED = """route = "intramuscular"
product = "abobotulinumtoxinA"
muscle = "elbow flexors"
dose = "300 U abobotulinumtoxinA"
at = "0 week"
"""
TRIAL = (
    '[study]\nname = "t"\ntitle = "T"\nkind = "trial"\nseed = 3\n[population]\nn = 16\npool = 512\n'
    + STROKE
    + '[assessment]\nside = "affected"\nlimbs = ["arm"]\nscales = ["modified_ashworth"]\nrater = "noiseless"\n'
    + '[[phase]]\nname = "only"\ndesign = "parallel"\nmasking = "double blind"\nnonspecific = false\ndropout = false\n'
    + 'visits = ["0 week", "4 week", "16 week"]\n[[phase.arm]]\nname = "placebo"\nplacebo = true\n'
    + f'[[phase.arm]]\nname = "toxin"\n[[phase.arm.treatment]]\n{TREATED}'
)


@pytest.fixture(scope="module")
def trial() -> StudyResult:
    return eutonia.run(parse_study(TRIAL), replicates=2)


CASE = Path(eutonia.shipped()["case_tablets_toxin"]).read_text(encoding="utf-8")


def refused(text: str) -> str:
    with pytest.raises(eutonia.EutoniaError) as error:
        parse_study(text)
    return " ".join(str(error.value).split())


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"300 U abobotulinumtoxinA"', '"300 U onabotulinumtoxinA"', "is no unit of it"),
        ('"300 U abobotulinumtoxinA"', '"300 onaU"', "does not convert to aboU"),
        ('"300 U abobotulinumtoxinA"', '"300 units"', 'Write it as "300 aboU"'),
        ('"300 U abobotulinumtoxinA"', "300", 'Write it as "300 aboU"'),
        ('"300 U abobotulinumtoxinA"', '"300 mg"', "Allowed: aboU"),
        ('"300 U abobotulinumtoxinA"', '"3000 aboU"', "1500 aboU (Label_Dysport)"),
        ('"300 U abobotulinumtoxinA"', '"3 aboU"', "less than any dose"),
        ('"300 U abobotulinumtoxinA"', '"-300 aboU"', "negative"),
        ('"abobotulinumtoxinA"', '"abobotulinumtoxin"', 'Nearest: "abobotulinumtoxinA"'),
        ('"elbow flexors"', '"elbow flexor"', 'Nearest: "elbow flexors"'),
        ('"0 week"\n', '"0 week"\nevery = "8 week"\n', "sooner than labels allow"),
        ('"0 week"\n', '"4 week"\nstop = "2 week"\n', "It stops before it starts"),
        ('"0 week"\n', '"0 week"\nstop = "30 week"\n', "there is nothing to stop"),
        ('at = "0 week"\n', "", "at"),
    ],
)
def test_a_slip_is_told_with_what_is_allowed(old: str, new: str, says: str) -> None:
    parse_study(TRIAL)
    head, treated = TRIAL[: -len(TREATED)], TREATED
    assert says in refused(head + treated.replace(old, new, 1))


def test_one_refusal_is_enough_for_one_slip() -> None:
    """A product that is none says nothing of its dose."""
    assert refused(TRIAL.replace('"abobotulinumtoxinA"\n', '"Xeomin"\n')).count("Given:") == 1


@pytest.mark.parametrize("dose", ["300 aboU", "300 U Dysport", "300 U abobotulinumtoxinA", "300 U"])
def test_a_dose_has_four_spellings_and_one_meaning(dose: str) -> None:
    study = parse_study(TRIAL.replace("300 U abobotulinumtoxinA", dose))
    given = study.phases[0].arms[1].treatments[0]
    assert (given.amount, given.dose_text) == (300.0, dose)


def test_what_is_injected_in_a_session_adds_up() -> None:
    """Of two products too, though no unit of one is a unit of the other: as shares of what each label allows."""
    more = TREATED.replace("elbow flexors", "wrist flexors")
    assert "100 % (1500 aboU)" in refused(f"{TRIAL}[[phase.arm.treatment]]\n" + more.replace('"300 U', '"1300 U'))
    other = more.replace("300 U abo", "350 U ona").replace("abobotulinumtoxinA", "onabotulinumtoxinA")
    assert "107.5 % of the largest dose together" in refused(f"{TRIAL}[[phase.arm.treatment]]\n{other}")
    later = more.replace('"300 U', '"1300 U').replace('"0 week"', '"12 week"')
    parse_study(f"{TRIAL}[[phase.arm.treatment]]\n{later}")


def test_halves_of_a_dose_in_one_group_are_no_way_round_the_label_or_the_curve() -> None:
    """Two injections of 150 U blocked more than one of 300 U, and twelve weeks were held within one table only."""
    half = TREATED.replace('"300 U', '"150 U')
    more = f"{TRIAL[: -len(TREATED)]}{half}[[phase.arm.treatment]]\n"
    assert "treatment[0] goes into the elbow flexors too, at the same time" in refused(more + half)
    assert "14 days before or after" in refused(more + half.replace('"0 week"', '"2 week"'))
    again = half.replace('"0 week"', '"0 week"\nevery = "24 week"')
    between = again.replace('"0 week"', '"8 week"')
    assert "56 days before or after" in refused(f"{TRIAL[: -len(TREATED)]}{again}[[phase.arm.treatment]]\n{between}")
    parse_study(more + half.replace('"0 week"', '"12 week"'))
    parse_study(more + half.replace("elbow", "wrist"))


def test_a_crossover_that_it_would_outlast_is_refused() -> None:
    text = TRIAL.replace('"parallel"', '"crossover"\nwashout = "8 week"')
    assert 'Write washout = "105 day" or more' in refused(text)
    parse_study(text.replace('"8 week"', '"16 week"'))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('muscle = "elbow flexors"\n', "", "treatment[0].muscle"),
        ('at = "245 day"\nevery = "16 week"\nstop = "500 day"', 'at = "20 month"', "after the end of the case"),
        ('at = "170 day"', 'at = "250 day"', "Treatment begins at 180 day"),
    ],
)
def test_a_case_says_where_a_treatment_does_not_fit(old: str, new: str, says: str) -> None:
    assert says in refused(CASE.replace(old, new, 1))


def test_a_charted_score_of_after_the_first_injection_is_no_untreated_one() -> None:
    head, _, rest = CASE.partition("[[event]]")
    only = head + rest[rest.index("[[treatment]]") :]
    assert "Treatment begins at 245 day" in refused(only.replace('at = "170 day"', 'at = "250 day"', 1))


def test_a_drug_is_an_event_in_a_case_and_no_treatment() -> None:
    drug = '[[treatment]]\nroute = "oral"\nproduct = "baclofen tablets"\ndose = "10 mg"\nevery = "8 hour"\n'
    assert 'Write [[event]] with kind = "tablets"' in refused(CASE + drug)


def test_two_lists_of_names_of_one_sort_stay_two() -> None:
    """Annotations that were equal are one to Python, so that the second field had the names of the first."""
    first, second = (Annotated[str, Named("muscle group", names)] for names in (lambda: ("a",), lambda: ("b",)))
    assert first.__metadata__[0].allowed() == ("a",)
    assert second.__metadata__[0].allowed() == ("b",)
    assert "finger flexors" in json.dumps(json_schema())


def test_it_is_in_the_schema_runs_is_reported_and_cites(tmp_path: Path, trial: StudyResult) -> None:
    assert len(Path(toxin.__file__).read_text(encoding="utf-8").splitlines()) <= LONGEST
    schema: Mapping[str, object] = json_schema()
    assert {"aboU", "onaU"} <= set(json.dumps(schema).replace('"', " ").replace(",", " ").split())
    assert trial.course["blockade_elbow_flexors"].attrs == {
        "units": "1",
        "long_name": "Reflex force blocked, elbow flexors",
        "muscle": "elbow flexors",
        "joint": "elbow",
        "limb": "arm",
    }
    eutonia.write(trial, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "toxin: 300 U abobotulinumtoxinA, elbow flexors" in page
    run = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert any("Gaverth" in json.dumps(source) for source in run["sources"])
    assert any(number["set"] == "toxin" for number in run["assumed"])


def test_the_page_of_a_case_shows_what_it_brings_and_what_it_costs(tmp_path: Path) -> None:
    text = CASE.replace('"18 month"', '"11 month"').replace('"7 day"', '"28 day"')
    result = eutonia.run(parse_study(text))
    eutonia.write(result, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for panel in (
        "Reflex force blocked",
        "Voluntary force left",
        "Ashworth, elbow flexors",
        "Weakness is what a block",
    ):
        assert panel in page
    assert "of the reflex force of the wrist flexors is blocked" in page
    assert "their voluntary force is then" in page
    each = (result.course[f"blockade_{name}_flexors"].median("patient") for name in ("elbow", "wrist"))
    elbow, wrist = (one.max() for one in each)
    assert float(elbow) < float(wrist) < 0.9


def test_the_page_of_a_trial_compares_arms_at_the_visit_of_the_greatest_change(trial: StudyResult) -> None:
    """Beside an effect that comes and goes the other arms were told at the end, where it is gone."""
    from eutonia.report.short import headline

    said = headline(trial)
    assert "last seen at" in said
    assert said.count("(4 weeks)") == 2


def test_the_terminal_tells_the_visit_furthest_from_the_first(trial: StudyResult) -> None:
    """It told the lowest: of a scale on which more is better that was the first visit, and no effect was seen."""
    from eutonia.report.trial.tables import table

    turned = replace(trial, quantities=tuple(replace(one, mean=4.0 - one.mean) for one in trial.quantities))
    for result in (trial, turned):
        names, _, furthest, _ = (list(map(str, column.cells)) for column in table(result).columns)
        assert "(4 weeks)" in next(told for name, told in zip(names, furthest, strict=True) if "toxin" in name)


def test_beside_an_option_without_it_the_weakness_is_told_and_the_injections_are_counted() -> None:
    """A comparison counted events alone, and told what a treatment brings and not what it costs."""
    with_toxin = CASE.replace('"18 month"', '"11 month"').replace('"7 day"', '"28 day"')
    alone = with_toxin[: with_toxin.index("[[treatment]]")].replace('"case_tablets_toxin"', '"tablets_alone"')
    found = eutonia.compare_options([parse_study(alone), parse_study(with_toxin)])
    assert dict(found.contacts) == {"tablets_alone": 4, "case_tablets_toxin": 5}
    rows = found.frame()
    weak = rows.filter(rows["label"] == "Voluntary force lost, elbow flexors")
    assert weak.filter(weak["option"] == "tablets_alone")["value"].item() == 0.0
    assert 0.4 < weak.filter(weak["option"] == "case_tablets_toxin")["difference"].item() < 0.8
    assert weak["measure"].unique().to_list() == ["highest"]


def test_a_mean_is_taken_from_the_first_injection_on_where_nothing_else_is_given() -> None:
    head, _, rest = CASE.partition("[[event]]")
    only = (
        (head + rest[rest.index("[[treatment]]") :]).replace('"18 month"', '"11 month"').replace('"7 day"', '"28 day"')
    )
    none = only[: only.index("[[treatment]]")].replace('"case_tablets_toxin"', '"nothing"')
    assert eutonia.compare_options([parse_study(none), parse_study(only)]).span_h[0] == 245 * 24.0
