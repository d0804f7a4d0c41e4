"""A label's ceiling holds unless a study says that it teaches an overdose; then every such dose is named."""

from __future__ import annotations

import re

import pytest

from eutonia.errors import StudyError
from eutonia.study.design import parse_study, shipped

TEXTS = {name: path.read_text(encoding="utf-8") for name, path in shipped().items()}
ALLOWED = "[study]\nallow_beyond_label = true"


def changed(name: str, *edits: tuple[str, str], allow: bool) -> str:
    text = TEXTS[name]
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return text.replace("[study]", ALLOWED, 1) if allow else text


OVERDOSES = [
    ("case_ischaemic_tablets", [('dose = "20 mg"', 'dose = "200 mg"')], ["200 mg (", "600 mg a day (", "80 mg"]),
    ("case_ischaemic_tablets", [('dose = "20 mg"', 'dose = "40 mg"')], ["40 mg every 8 hour, 120 mg a day ("]),
    ("case_haemorrhage_pump", [('dose = "50 ug"', 'dose = "500 ug"')], ["500 ug (the label's largest: 100 ug)"]),
    ("case_haemorrhage_pump", [('"200 ug/day"', '"2000 ug/day"')], ["2000 ug/day (the label's largest: 1000 ug/day)"]),
    ("meythaler_2001", [('dose = "50 ug"', 'dose = "500 ug"')], ["500 ug ("]),
]


@pytest.mark.parametrize(("name", "edits", "named"), OVERDOSES)
def test_an_overdose_is_refused_until_the_study_allows_it(
    name: str, edits: list[tuple[str, str]], named: list[str]
) -> None:
    with pytest.raises(StudyError, match=r"allow_beyond_label = true") as caught:
        parse_study(changed(name, *edits, allow=False))
    assert "[study]" in str(caught.value)
    taught = parse_study(changed(name, *edits, allow=True))
    for words in named:
        assert any(words in one for one in taught.beyond_label), taught.beyond_label


@pytest.mark.parametrize("name", TEXTS)
def test_leave_alone_names_nothing(name: str) -> None:
    """A study within the label has no banner, whether or not it could have one; what ships with leave has a reason."""
    teaches = "allow_beyond_label = true" in TEXTS[name]
    assert (parse_study(TEXTS[name]).beyond_label != ()) is teaches
    assert teaches or parse_study(changed(name, allow=True)).beyond_label == ()


def test_an_override_keeps_the_leave() -> None:
    study = parse_study(changed("meythaler_2001", ('dose = "50 ug"', 'dose = "500 ug"'), allow=True))
    assert study.override(n=5).beyond_label == study.beyond_label != ()


@pytest.mark.parametrize("value", ["1", '"true"', "1.0", "[true]"])
def test_leave_is_given_in_one_word(value: str) -> None:
    with pytest.raises(StudyError, match="true or false"):
        parse_study(TEXTS["meythaler_2001"].replace("[study]", f"[study]\nallow_beyond_label = {value}", 1))


def test_leave_has_an_end() -> None:
    """Beyond what anybody ever took, a digit has slipped, whatever the study allows."""
    text = changed("case_haemorrhage_pump", ('dose = "50 ug"', 'dose = "50000 ug"'), allow=True)
    with pytest.raises(StudyError, match="13950 ug") as caught:
        parse_study(text)
    assert not re.search("allow_beyond_label", str(caught.value))
