"""What the records as a whole must keep to: fewer guesses, sources that can be found, nothing that nobody reads."""

from __future__ import annotations

import ast
import csv
import io
import re
from collections import Counter
from pathlib import Path

import pytest

from eutonia import parameters
from eutonia.errors import ParameterError
from eutonia.parameters import citations, library
from eutonia.parameters.record import DISTANCES, OWN_CHOICE, Parameter
from eutonia.report import records
from eutonia.simulation.stance import stance_constants

ROOT = Path(__file__).parents[2]
# Ceilings: they only ever fall.
MOST = {"assumed": 149, "recalled": 111}
INCOMPLETE_SOURCES = 171


def every() -> list[Parameter]:
    return [record for name in parameters.sets() for record in parameters.load(name).records()]


@pytest.mark.parametrize("status", MOST)
def test_numbers_that_nobody_has_read_only_get_fewer(status: str) -> None:
    found = Counter(record.status for record in every())
    assert found[status] <= MOST[status]


def is_complete(entry: citations.BibEntry) -> bool:
    """Whether a reader can find a source: who, what, when, and where it appeared."""
    where = ("journal", "publisher", "howpublished", "doi", "pmid", "booktitle")
    return all(entry.said(one) for one in ("author", "title", "year")) and any(entry.said(one) for one in where)


def test_sources_that_cannot_be_found_only_get_fewer() -> None:
    incomplete = [key for key, entry in citations.entries().items() if not is_complete(entry)]
    assert len(incomplete) <= INCOMPLETE_SOURCES


def names_of_code() -> set[str]:
    """Return every name and every text that could be one, of the program and its calibration."""
    found: set[str] = set()
    for folder in ("src/eutonia", "calibration"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Constant(value=str(text)):
                        found.add(text.strip("_").lower().replace(" ", "_"))
                    case ast.keyword(arg=str(text)) | ast.AnnAssign(target=ast.Name(id=text)):
                        found.add(text)
    return {text for text in found if re.fullmatch(r"[a-z][a-z0-9_]*", text)}


def test_nothing_is_guessed_that_nobody_reads() -> None:
    names = names_of_code()

    def is_read(name: str) -> bool:
        """Whether a name stands in code, whole or put together of parts that stand there."""
        if name in names or name.isdigit():
            return True
        cuts = [place for place, letter in enumerate(name) if letter == "_"]
        return any(name[:cut] in names and is_read(name[cut + 1 :]) for cut in cuts)

    assert is_read("corticospinal_leg_lateral")
    assert not is_read("visit_spacing_early")
    for record in every():
        if record.status in ("assumed", "recalled"):
            inputs = " ".join(one.derived for one in parameters.load(record.set).records())
            assert is_read(record.name) or re.search(rf"\b{record.name}\b", inputs), f"{record.set}.{record.name}"


RECORD = """[set]
name = "one"
title = "A set"
released = "2026-11"
note = ""

[number]
label = "A number"
value = 1.0
unit = "1"
source = "{source}"
where = "abstract"
method = "{method}"
status = "{status}"
{more}
"""


def read(more: str, source: str = "Simon_2018", status: str = "verified", method: str = "measured") -> Parameter:
    text = RECORD.format(source=source, status=status, method=method, more=more)
    return library.read(text, "one", ["Simon_2018", OWN_CHOICE])["number"]


def test_how_far_a_source_is_from_its_use_is_said_in_words_of_a_list() -> None:
    assert read("").distance == ()
    assert read('distance = ["species", "route"]').distance == ("species", "route")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('distance = ["animal"]', 'no distance "animal"'),
        ('distance = ["specis"]', "Nearest: species"),
        ('distance = "species"', "Allowed: a list of"),
        ("distance = []", "Allowed: a list of"),
        ("distance = [1]", "Allowed: a list of"),
        ('distance = ["none", "route"]', '"none" alone'),
        ('distance = ["route", "route"]', "each word once"),
    ],
)
def test_another_distance_is_refused(more: str, words: str) -> None:
    with pytest.raises(ParameterError, match=re.escape(words)):
        read(more)


def test_an_assumption_has_no_source_that_could_be_near() -> None:
    with pytest.raises(ParameterError, match="is an assumption"):
        read('note = "why"\ndistance = ["none"]', "assumption", "assumed", "assumed")


def test_a_choice_of_the_program_is_a_default_with_its_reason() -> None:
    assert read('note = "a bound"', OWN_CHOICE, "program default", "specified").status == "program default"
    for more, status in (('note = "a bound"', "verified"), ("", "program default")):
        with pytest.raises(ParameterError, match=f'source "{OWN_CHOICE}"'):
            read(more, OWN_CHOICE, status, "specified")


def test_what_another_number_replaces_has_no_distance_left() -> None:
    near = next(record for record in every() if record.distance and record.set == "blood_csf" and not record.derived)
    with parameters.using({f"blood_csf.{near.name}": f"{near.value * 1.1} {near.unit}"}):
        assert parameters.load("blood_csf")[near.name].distance == ()


def test_the_list_of_numbers_shows_the_distance() -> None:
    rows = list(csv.DictReader(io.StringIO(records.parameter_text("csv"))))
    assert {row["axis"] for row in rows if row["name"] == "leg_motor_segments"} == {"first; last"}
    tied = {f"{row['set']}.{row['name']}": row["correlation"] for row in rows}
    assert tied["tone.velocity_sensitivity_per_bias"] == "velocity_sensitivity_from 0.89"
    assert tied["tone.velocity_sensitivity_from"] == ""
    told = {word for row in rows for word in row["distance"].split()}
    assert told <= set(DISTANCES)
    assert {row["distance"] for row in rows if row["set"] == "limb_hip" and row["name"] == "gyration"} == {"health"}
    sources = list(records.parameter_table("limb_hip").columns[-1].cells)
    assert "Winter_2009 (health)" in sources


def test_a_run_counts_what_its_sources_differ_in() -> None:
    with parameters.recording() as used:
        parameters.load("limb_hip")["gyration"]
        parameters.load("trial")["oral_completion_one_year"]
        parameters.load("blood_csf")["unbound_fraction"]
        parameters.load("limb")["ceiling_weight"]
        parameters.load("limb_fingers")["centre_of_mass"]
        parameters.load("bedside")["stretch_duration"]
    assert used.counts_by_distance() == {"none": 1, "health": 1, "condition": 1, "drug": 1, "not said": 1}


def test_what_is_kept_of_records_is_noted_each_time_that_somebody_asks() -> None:
    seen = []
    for _ in range(2):
        with parameters.recording() as used:
            stance_constants()
        seen.append([record.name for record in used.records()])
    assert "stance_angle" in seen[0]
    assert seen[0] == seen[1]
