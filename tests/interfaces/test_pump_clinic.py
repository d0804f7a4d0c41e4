"""What a pump clinic writes down: every event as a file tells it, by day or by date, in any order, and what is said."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eutonia.drug.pump import play
from eutonia.drug.pump.forecast import forecast
from eutonia.drug.pump.rules import breaches
from eutonia.errors import StudyError
from eutonia.study.pump_file import json_schema, load_therapy, parse_therapy, shipped

HEAD = """
[therapy]
name = "clinic"
title = "A made-up case"
origin = "cerebral"
duration = "60 day"

[pump]
model = "SynchroMed II"
product = "Lioresal Intrathecal"
reservoir = "20 mL"
concentration = "500 ug/mL"
catheter = "82 cm"
tip = "T10"
implanted = "2026-03-02"
"""
START = ('at = "10 hour"\nkind = "prime"', 'at = "10 hour"\nkind = "simple"\nrate = "240 ug/day"')
CHANGE = (
    'at = "30 day"\nkind = "refill"\nconcentration = "2000 ug/mL"',
    'at = "30 day"\nkind = "bridge"\nkeeps = "240 ug/day"',
)


UNDATED = HEAD.replace('implanted = "2026-03-02"', "")
TWICE = HEAD.replace('"60 day"', '"60 day"\nbegins = 2026-03-01')


def bolus(dose: str, lockout: str, most: int) -> str:
    lines = (f'dose = "{dose}"', 'over = "1 hour"', f'lockout = "{lockout}"', f"most_a_day = {most}")
    return "\n".join(('at = "1 day"', 'kind = "patient bolus"', *lines))


def file_of(*events: str, head: str = HEAD) -> str:
    return head + "".join(f"\n[[event]]\n{event}\n" for event in events)


def course_of(*events: str):  # type: ignore[no-untyped-def]
    return play(parse_therapy(file_of(*START, *events)))


def rules_of(*events: str) -> set[str]:
    return {one.rule for one in breaches(course_of(*events))}


@pytest.mark.parametrize("kind", ["stop", "minimum rate", "empty", "replacement"])
def test_whatever_ends_the_program_ends_the_bridge(kind: str) -> None:
    """Up to 4,000 ug left the tip after "stopped at once", because a bridge or a prime ran on."""
    course = course_of(*CHANGE, f'at = "724 hour"\nkind = "{kind}"')
    tip = course.totals([724.0, 725.0])[1, 0]
    most = {"stop": 0.0, "empty": 0.0, "minimum rate": 500 * 0.006 / 24, "replacement": 0.0}[kind]
    bridging = 240.0 / 24
    assert tip <= most + 1e-9 if kind != "replacement" else tip < bridging
    assert (
        max((piece.flow for piece in course.pieces if piece.start_h >= 724.0), default=0.0)
        <= 2000 / 500 * 240 / 24 / 500
    )


def test_events_of_one_time_are_done_in_the_order_of_work() -> None:
    """The bridge written above its refill gave a quarter of the dose for three days, and no rule was broken."""
    simple = 'at = "30 day"\nkind = "simple"\nrate = "250 ug/day"'
    courses = [course_of(*order) for order in itertools.permutations([*CHANGE, simple])]
    assert all(course == courses[0] for course in courses)
    assert breaches(courses[0]) == ()
    assert courses[0].totals([29 * 24.0, 30 * 24.0, 30 * 24.0 + 12.0])[1] == pytest.approx([240.0, 120.0])
    assert courses[0].setting(31 * 24.0).at_filling


@pytest.mark.parametrize("name", sorted(shipped()))
def test_what_ships_means_the_same_in_any_order(name: str) -> None:
    head, *events = shipped()[name].read_text(encoding="utf-8").split("[[event]]")
    luck = random.Random(1)
    for _ in range(4):
        luck.shuffle(events)
        again = parse_therapy("[[event]]".join([head, *(f"{event}\n" for event in events)]))
        assert again == load_therapy(name)


@pytest.mark.parametrize(
    ("events", "says"),
    [
        (
            ('at = "30 day"\nkind = "simple"\nrate = "1 ug/h"', 'at = "30 day"\nkind = "stop"'),
            "nobody knows which holds",
        ),
        (('at = "30 day"\nkind = "stop"', 'at = "30 day"\nkind = "prime"'), "nothing is pumped after a stop"),
        (('at = "30 day"\nkind = "minimum rate"', CHANGE[1]), "nothing is pumped after a stop"),
        (('at = "30 day"\nkind = "refill"', 'at = "30 day"\nkind = "empty"'), "filled or emptied once"),
        (('at = "30 day"\nkind = "refill"', 'at = "30 day"\nkind = "pocket fill"'), "filled or emptied once"),
        (('at = "30 day"\nkind = "magnet"\nlasts = "1 hour"', 'at = "30 day"\nkind = "restart"'), "after the magnet"),
        (('at = "30 day"\nkind = "leak"\nshare = 0.5', 'at = "30 day"\nkind = "repair"'), "broken or mended"),
        (
            ('at = "720 hour"\nkind = "kink"\npasses = 0.5', 'at = "2026-04-01"\nkind = "kink"\npasses = 0.1'),
            "two of one kind",
        ),
    ],
)
def test_what_has_no_order_is_refused(events: tuple[str, str], says: str) -> None:
    for order in (events, events[::-1]):
        with pytest.raises(StudyError) as error:
            parse_therapy(file_of(*START, *order))
        flat = re.sub(r"\s+", " ", str(error.value))
        assert says in flat
        assert "event[2]" in flat
        assert "event[3]" in flat
        assert "Allowed: " in flat
        assert "Do: Drop one of the two" in flat


def test_days_of_the_calendar_are_the_same_as_days_of_the_therapy() -> None:
    by_date = (
        'at = "2026-04-01 09:30"\nkind = "refill"',
        'at = 2026-04-11T00:00:00\nkind = "stop"',
        'at = "2026-04-13"\nkind = "empty"',
    )
    by_day = ('at = "729.5 hour"\nkind = "refill"', 'at = "40 day"\nkind = "stop"', 'at = "42 day"\nkind = "empty"')
    assert parse_therapy(file_of(*START, *by_date)) == parse_therapy(file_of(*START, *by_day))
    begins = HEAD.replace('implanted = "2026-03-02"\n', "").replace(
        'duration = "60 day"', 'duration = "60 day"\nbegins = 2026-03-02'
    )
    assert parse_therapy(file_of(*START, *by_date, head=begins)) == parse_therapy(file_of(*START, *by_day))


@pytest.mark.parametrize(
    ("event", "head", "says"),
    [
        ('at = "02.04.2026"\nkind = "refill"', HEAD, 'time of day: "2026-04-02 09:00"'),
        ('at = "2026-02-30"\nkind = "refill"', HEAD, "There is no such day"),
        ('at = "2026-04-02 25:00"\nkind = "refill"', HEAD, "no day that is read one way only"),
        ('at = "2026-03-01"\nkind = "refill"', HEAD, "It lies outside the therapy"),
        ('at = "2026-05-02"\nkind = "refill"', HEAD, "It lies outside the therapy"),
        ('at = 2026-04-02T09:00:00Z\nkind = "refill"', HEAD, "names a time zone"),
        ('at = "2026-04-02"\nkind = "refill"', UNDATED, "Without the date of day 0"),
        ('at = "1 day"\nkind = "refill"', TWICE, "Day 0 is the day of the first filling"),
        ('at = "1 day"\nkind = "refill"\nfound = "21 mL"', HEAD, "does not fit in"),
        ('at = "1 day"\nkind = "refill"\nfound = "3 mg"', HEAD, "It is no volume"),
        ('at = "1 day"\nkind = "replacement"\nreservoir = "30 mL"', HEAD, '"20 mL" or "40 mL"'),
        ('at = "1 day"\nkind = "replacement"\nalarm_volume = "20 mL"', HEAD, "alarm would sound"),
        ('at = "1 day"\nkind = "replacement"\nmodel = "SynchroMed III"', HEAD, "SynchroMed II"),
        ('at = "1 day"\nkind = "revision"\ntip = "T13"', HEAD, "Nearest: "),
        ('at = "1 day"\nkind = "activation"', HEAD, 'kind "patient bolus" before it'),
        (bolus("20 ug", "30 min", 4), HEAD, "could begin while one runs"),
        (bolus("20 mg", "3 hour", 4), HEAD, "oral"),
        (bolus("20 ug", "3 hour", 0), HEAD, "at least 1"),
        ('at = "1 day"\nkind = "concentration entered"\nconcentration = "2 mg/mL"', HEAD, 'Write "2000 ug/mL"'),
        ('at = "1 day"\nkind = "aspirate"', HEAD, 'Nearest: "aspiration"'),
        ('at = "1 day"\nkind = "pocket fill"\nvolume = "30 mL"', HEAD, "does not fit in"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_what_to_do(event: str, head: str, says: str) -> None:
    with pytest.raises(StudyError) as error:
        parse_therapy(file_of(*START, event, head=head))
    flat = re.sub(r"\s+", " ", str(error.value))
    assert says in flat
    assert "Do: " in flat


ALLOWED = 'at = "1 day"\nkind = "patient bolus"\ndose = "20 ug"\nover = "10 min"\nlockout = "4 hour"\nmost_a_day = 3'


def test_a_bolus_is_given_when_lockout_number_and_pump_allow_it() -> None:
    calls = [f'at = "{hour} hour"\nkind = "activation"' for hour in (48, 50, 52, 56, 60, 72.5)]
    course = course_of(ALLOWED, *calls)
    what = [(one.at_h, one.what) for one in course.happenings if one.what in ("called", "refused")]
    given, refused = "called", "refused"
    assert what == [(48, given), (50, refused), (52, given), (56, given), (60, refused), (72.5, given)]
    reasons = [one.words for one in course.happenings if one.what == "refused"]
    assert "the last was 2 h ago" in reasons[0]
    assert "3 were given in the last 24 h" in reasons[1]
    tip = course.totals([24.0, 48.0, 72.0])[1]
    assert list(tip) == pytest.approx([240.0, 300.0])
    assert {one.rule for one in breaches(course)} == {"refill missed"}  # nobody refills it here


def test_a_stopped_pump_gives_no_bolus() -> None:
    course = course_of(ALLOWED, 'at = "3 day"\nkind = "stop"', 'at = "80 hour"\nkind = "activation"')
    assert course.totals([72.0, 200.0])[1, 0] == 0.0
    assert "the pump is stopped" in next(one.words for one in course.happenings if one.what == "refused")


def test_calls_repeat_until_a_day() -> None:
    course = course_of(ALLOWED, 'at = "2 day"\nkind = "activation"\nevery = "12 hour"\nuntil = "2026-03-06"')
    assert [one.at_h for one in course.happenings if one.what == "called"] == [48.0, 60.0, 72.0, 84.0, 96.0]


def test_a_new_pump_of_another_model_and_size_is_told_and_runs() -> None:
    new = 'at = "20 day"\nkind = "replacement"\nmodel = "Prometra II"\nreservoir = "40 mL"\nconcentration = "500 ug/mL"'
    course = course_of(new)
    last = course.implants[-1]
    assert (last.device.model, last.reservoir, course.pump.reservoir) == ("Prometra II", 40.0, 40.0)
    assert course.pump.volume == pytest.approx(40.0 - 40 * 0.48)
    assert rules_of(new) == set()  # its tubing has no volume of its own: no drug is missing
    assert "Prometra II, 40 mL" in next(one.words for one in course.happenings if one.what == "replaced")


def test_a_revised_catheter_has_another_volume_and_tip_and_no_drug() -> None:
    revised = 'at = "20 day"\nkind = "revision"\ncatheter = "40 cm"\ntip = "C5"'
    course = course_of(revised)
    assert course.implants[-1].tip == "C5"
    assert course.pump.catheter.volume == pytest.approx(40 * 0.0022)
    hours = 0.088 / 0.48 * 24
    assert course.totals([480.0, 480.0 + hours, 480.0 + hours + 24.0])[1] == pytest.approx([0.0, 240.0], abs=1e-9)
    primed = 'at = "20 day"\nkind = "prime"\nvolume = "0.088 mL"'
    assert rules_of(revised, primed, 'at = "25 day"\nkind = "refill"') == set()


def test_the_side_port_gives_what_the_catheter_holds() -> None:
    drawn = course_of('at = "20 day"\nkind = "aspiration"')
    words = next(one.words for one in drawn.happenings if one.what == "aspirated")
    assert "90.2 ug of drug" in words  # 0.1804 mL of 500 ug/mL
    assert drawn.pump.ledger.withdrawn == pytest.approx(90.2)
    half = course_of('at = "20 day"\nkind = "aspiration"\nvolume = "0.0902 mL"')
    # Drawn at the pump's end, so what is left moves back: spinal fluid at the tip, drug behind it.
    wait = 0.0902 / 0.48 * 24
    tip = half.totals([480.0, 480.0 + wait, 480.0 + 2 * wait])[1]
    assert tip == pytest.approx([0.0, 240.0 * wait / 24], abs=1e-9)
    shut = course_of('at = "19 day"\nkind = "kink"\npasses = 0.0', 'at = "20 day"\nkind = "aspiration"')
    assert shut.pump.ledger.withdrawn == 0.0


def test_a_wrong_concentration_in_the_programmer_changes_the_dose() -> None:
    wrong = 'at = "30 day"\nkind = "concentration entered"\nconcentration = "500 ug/mL"'
    course = course_of(*CHANGE, wrong)
    late = course.totals([40 * 24.0, 41 * 24.0])[1, 0]
    assert late == pytest.approx(4 * 240.0)
    told = [one for one in breaches(course) if one.rule == "wrong concentration in the programmer"]
    assert told[0].is_hazard
    assert "960 instead of 240 ug/day" in told[0].says
    mended = course_of(*CHANGE, wrong, 'at = "40 day"\nkind = "refill"')
    assert mended.totals([41 * 24.0, 42 * 24.0])[1, 0] == pytest.approx(240.0)


def test_a_refill_beside_the_port_is_counted_and_leaves_the_pump_empty() -> None:
    course = course_of('at = "30 day"\nkind = "pocket fill"\nconcentration = "2000 ug/mL"\nvolume = "18 mL"')
    assert course.pump.ledger.pocket == pytest.approx(36_000.0)
    assert course.totals([720.0, 1440.0])[1, 0] == 0.0
    told = {one.rule: one for one in breaches(course)}
    assert "36 mg lie under the skin" in told["refill beside the port"].says
    assert "nothing leaves the tip" in told["reservoir left empty"].says


def test_a_magnet_while_the_alarm_sounds_stops_the_pump_until_it_is_interrogated() -> None:
    low = ('at = "30 day"\nkind = "refill"\nvolume = "2.5 mL"', 'at = "34 day"\nkind = "magnet"\nlasts = "1 hour"')
    assert course_of(*low).totals([34 * 24.0 + 1.0, 36 * 24.0])[1, 0] == 0.0
    before = course_of(low[0], 'at = "30.5 day"\nkind = "magnet"\nlasts = "1 hour"')
    assert before.totals([30.5 * 24.0 + 1.0, 31.5 * 24.0 + 1.0])[1, 0] == pytest.approx(240.0)
    for look in ('kind = "restart"', 'kind = "simple"\nrate = "240 ug/day"', 'kind = "refill"'):
        again = course_of(*low, f'at = "34.5 day"\n{look}')
        assert again.totals([34.5 * 24.0, 35.5 * 24.0])[1, 0] == pytest.approx(240.0)


def test_check_tells_study_program_and_table_apart_by_what_is_in_them(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    texts = {
        "program.csv": file_of(*START),
        "table.toml": "ID,TIME,EVID,AMT,CMT,DV\n1,0,1,10,1,.\n1,2,0,.,2,.\n",
        "study.dat": (Path(__file__).parents[2] / "studies" / "loubser_1991.toml").read_text(encoding="utf-8"),
    }
    for name, says in (
        ("program.csv", "clinic: valid"),
        ("table.toml", "1 people, 2 records"),
        ("study.dat", "loubser"),
    ):
        (folder / name).write_text(texts[name], encoding="utf-8")
        assert run("check", name) == 0
        assert says in capsys.readouterr().out
    assert run("check", "missed_refill") == 0
    assert "It breaks 1 rule" in capsys.readouterr().out
    (folder / "bad.toml").write_text(file_of(*START).replace("240 ug/day", "240 mg/day"), encoding="utf-8")
    assert run("check", "bad.toml") == 2
    assert "intrathecal" in capsys.readouterr().err
    assert run("run", "program.csv") == 2
    assert "It is a pump program" in re.sub(r"\s+", " ", capsys.readouterr().err)
    assert run("check", "mised_refill") == 2
    assert "missed_refill" in capsys.readouterr().err


def test_the_schema_of_programs_knows_every_event(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema", "program") == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema == json_schema()
    kinds = set(schema["properties"]["event"]["items"]["discriminator"]["mapping"])
    assert {"patient bolus", "activation", "pocket fill", "aspiration", "revision", "concentration entered"} <= kinds
    assert run("schema", "pumps") == 2


def test_no_rounding_dust_in_what_people_read(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """-2.27e-13 ug leaked out of a pump that never leaked."""
    (folder / "dust.toml").write_text(
        file_of(
            *START,
            'at = "5 day"\nkind = "simple"\nrate = "233 ug/day"',
            *CHANGE,
            'at = "40 day"\nkind = "leak"\nshare = 0.3',
            'at = "45 day"\nkind = "repair"',
            'at = "50 day"\nkind = "stop"',
        ),
        encoding="utf-8",
    )
    assert run("pump", "dust.toml", "--out", "out") == 0
    screen = capsys.readouterr().out
    page = re.sub(
        r"<style>.*?</style>|<svg.*?</svg>", "", (folder / "out/program.html").read_text(encoding="utf-8"), flags=re.S
    )
    dust = re.compile(r"\d[eE]-\d\d|-0\b(?!\d)")
    assert not dust.findall(screen)
    assert not dust.findall(re.sub(r"<[^>]*>", " ", page))
    table = (folder / "out/program.csv").read_text(encoding="utf-8")
    assert not re.findall(r"e-(?:1\d|[2-9]\d)", table)
    assert "-" not in table.split("\n", 1)[1].replace("e-0", "")


def test_the_page_shows_what_was_wanted_found_and_called(folder: Path, run: Callable[..., int]) -> None:
    calls = 'at = "2026-03-10"\nkind = "activation"\nevery = "2 hour"\nuntil = "2026-03-20"'
    events = (*START, ALLOWED, calls, 'at = "30 day"\nkind = "refill"\nfound = "9 mL"')
    (folder / "page.toml").write_text(file_of(*events), encoding="utf-8")
    assert run("pump", "page.toml", "--out", "out", "--quiet") == 0
    page = (folder / "out/program.html").read_text(encoding="utf-8")
    record = json.loads((folder / "out/program.json").read_text(encoding="utf-8"))
    found = record["flow_found_at_refills"][0]
    assert "Flow error by the volume found at refills" in page
    error = (found["expected"] - found["found"]) / (20.0 - found["expected"])
    assert f">{100 * error:+.1f}<" in page
    assert "mcg</th>" in page
    assert "Wanted, mcg" in page
    what = [one["what"] for one in record["happenings"]]
    given, refused = what.count("called"), what.count("refused")
    assert given + refused == 121
    assert f"121: {given} given, {refused} refused" in page
    rows = len(re.findall(r'class="num"', page))
    assert f"{len(what) - rows} more things happened" in page


def test_the_page_says_that_the_pump_waits_for_a_look(folder: Path, run: Callable[..., int]) -> None:
    low = ('at = "30 day"\nkind = "refill"\nvolume = "2.5 mL"', 'at = "34 day"\nkind = "magnet"\nlasts = "1 hour"')
    (folder / "alarm.toml").write_text(file_of(*START, *low), encoding="utf-8")
    assert run("pump", "alarm.toml", "--out", "out", "--quiet") == 0
    page = (folder / "out/program.html").read_text(encoding="utf-8")
    assert page.count("stays stopped until it is interrogated") >= 2  # among what happened and among the rules


def test_a_moved_tip_moves_the_drug() -> None:
    stays, moves = (
        forecast(
            course_of('at = "10 day"\nkind = "revision"' + tip, 'at = "10 day"\nkind = "prime"\nvolume = "0.18 mL"')
        )
        for tip in ("", '\ntip = "C5"')
    )
    before, late = 9 * 24, 25 * 24
    np.testing.assert_allclose(stays.segment[before], moves.segment[before], rtol=1e-12)
    assert moves.site("cervical")[late, 0] > 1.5 * stays.site("cervical")[late, 0]
    assert max(stays.unaccounted, moves.unaccounted) < 1e-10
