"""The clinic page beyond its first fields: a mask, dates, steps of the day, rules, and faults in its own words."""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from mask_examples import ball, nifti

from eutonia.study.design import parse_study
from eutonia.web import asked, clinic, limits, worker
from eutonia.web.app import create_app
from eutonia.web.clinic_fields import LABELS, NAMES, START
from eutonia.web.jobs import Jobs
from eutonia.web.store import Store

MASK = nifti(ball((-30, 0, 15), 12.0).astype(np.uint8))
STEPS = "00:00 8 mcg/h, 06:00 5 mcg/h, 21:00 9 mcg/h"
FIELDS = START | {
    "side": "right", "onset": "2026-03-02", "charted_at": "2026-08-01", "begins": "2026-09-01", "follow": "2026-10-05",
    "amount_2": "", "steps_2": STEPS, "kind_1": "missed", "amount_1": "400 mcg/day", "late_1": "4",
}  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clinic") / "web.sqlite"


@pytest.fixture(scope="module")
def client(base: Path) -> Iterator[TestClient]:
    class NoJobs(Jobs):
        def start(self) -> None:
            """Begin nothing."""

        def stop(self) -> None:
            """End nothing."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eutonia.web.app.Jobs", NoJobs)
        app = create_app(base)
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as asking:
        yield asking


@pytest.fixture(scope="module")
def job(client: TestClient, base: Path) -> Any:
    """What a form with a mask, dates and steps of the day asks for."""
    answer = client.post("/clinic", data=FIELDS, files={"mask_file": ("../../etc/mine.nii.gz", MASK)})
    assert answer.status_code == 303, re.findall(r'class="fault"[^>]*>(.*?)</p>', answer.text)
    return Store(base).job(answer.headers["location"].rpartition("/")[2])


@pytest.fixture(scope="module")
def result(job: Any, base: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the comparison, as the worker makes them."""
    own = Store(base).own(asked.own_names(asked.texts_of(job.request)))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("worker"))
        files = worker.answered("compare", job.request, own)
        assert list(Path().iterdir()) == []
    return {one.name: one.content for one in files}


def test_a_mask_comes_with_the_form_and_stays_with_it(client: TestClient, job: Any, base: Path) -> None:
    name = tomllib.loads(job.request["cases"][0])["lesion"]["mask"]
    assert Store(base).own([name])[name] == MASK
    assert tomllib.loads(job.request["cases"][0])["lesion"] == {"kind": "haemorrhagic", "mask": name}
    again = client.get(html.unescape(job.request["back"]))
    assert f'name="mask" value="{name}"' in again.text
    kept = client.post("/clinic", data=FIELDS | {"mask": name, "weight": "700"}, files={"mask_file": ("", b"")})
    assert f'name="mask" value="{name}"' in kept.text, "a fault elsewhere does not lose the mask"
    same = client.post("/clinic", data=FIELDS | {"mask": name})
    assert same.headers["location"].endswith(job.id)
    without = client.post("/clinic", data=FIELDS | {"mask": name, "no_mask": "yes"})
    other = Store(base).job(without.headers["location"].rpartition("/")[2])
    assert other is not None
    assert "mask" not in other.request["cases"][0]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"no image", "no NIfTI image"),
        (MASK[:-40], "ends too early|damaged"),
        (nifti(ball((-30, 0, 15), 12.0).astype(np.uint8) * 3), "Allowed: 0 and 1"),
        (b"\x1f\x8b" + bytes(limits.MASK), r"Allowed: 1,500,000 on a server"),
        (nifti(ball((30, 0, 15), 12.0).astype(np.uint8)), "side"),
    ],
)
def test_what_is_no_mask_is_refused_at_its_field(client: TestClient, sent: bytes, words: str) -> None:
    """Damaged, another image, too large, or on the side of the brain that moves the other side of the body."""
    answer = client.post("/clinic", data=FIELDS, files={"mask_file": ("mine.nii.gz", sent)})
    assert answer.status_code == 422
    told = re.findall(r'id="fault-mask-\d">(.*?)</p>', answer.text)
    assert len(told) == 1, answer.text[-3000:]
    assert re.search(words, html.unescape(told[0])), told
    assert "Traceback" not in answer.text


def test_too_much_is_refused_before_it_is_read(client: TestClient) -> None:
    answer = client.post("/clinic", data=FIELDS, files={"mask_file": ("mine.nii.gz", bytes(limits.UPLOAD))})
    assert answer.status_code == 413


def test_a_mask_that_was_let_go_is_asked_for_again(client: TestClient, base: Path, monkeypatch: Any) -> None:
    answer = client.post("/clinic", data=FIELDS | {"mask": "own_" + 20 * "0" + ".nii.gz"})
    assert "Choose the file again" in answer.text
    assert client.post("/clinic", data=FIELDS | {"mask": "/etc/passwd"}).status_code == 422
    monkeypatch.setattr(limits, "OWN_FILES", 2)
    store = Store(base)
    before = store.own(_kept(store))
    newest = [store.keep(bytes([k]), ".nii") for k in range(4)]
    named = {name for name in before if any(name in str(one.request) for one in store.newest(50))}
    assert set(_kept(store)) == named | set(newest[-2:]), "those of jobs stay, and the newest"


def _kept(store: Store) -> list[str]:
    with store._open() as base:
        return [row[0] for row in base.execute("select name from own")]


def test_steps_of_the_day_are_a_program_beside_the_case(base: Path) -> None:
    before = _kept(Store(base))
    found = clinic.read(FIELDS | {"follow": "2026-12-31"}, Store(base))
    text = found.texts[1]
    assert set(found.own) == asked.own_names([text])
    assert _kept(Store(base)) == before, "what is only judged is not kept"
    with asked.beside(found.own):
        therapy = parse_study(text).therapy
        assert therapy is not None
        played = therapy.program.therapy
    assert str(played.begins) == "2026-09-01"
    program = next(one for one in played.events if hasattr(one, "program")).program
    assert [(step.start_h, step.ug_per_h) for step in program.days[0]] == [(0, 8), (6, 5), (21, 9)]
    filled = [one.at_h / 24 for one in played.events if type(one).__name__ == "Refill"]
    mean = 6 * 8 + 15 * 5 + 3 * 9
    assert filled[0] == int(18 * 500 / mean)


def test_a_day_by_the_calendar_is_a_time_since_the_stroke(job: Any) -> None:
    case = tomllib.loads(job.request["cases"][0])
    assert case["case"]["onset"] == "2026-03-02"
    assert case["charted"][0]["at"] == "152 day"
    assert case["event"][0]["at"] == "183 day"


def test_the_page_tells_rules_dates_and_danger(result: dict[str, bytes]) -> None:
    page = html.unescape(result["report.html"].decode())
    rules = re.search(r'<section id="rules">(.*?)</section>', page, re.S)
    assert rules is not None
    assert "Pump missed refill, day" in rules[1], "each broken rule says of which option it is"
    dates = re.search(r'<section id="dates">(.*?)</section>', page, re.S)
    assert dates is not None
    assert re.search(r"pump runs dry.*?day 20[78] \(2[56] Sep 2026\)", dates[1], re.S)
    due = re.search(r"next: empty reservoir</th>(.*?)</tr>", dates[1], re.S)
    assert due is not None
    assert len(set(re.findall(r"day (\d+)", due[1]))) == 3, "earliest, as programmed, latest"
    assert "Danger, without drug: Pump missed refill" in page


def test_everything_goes_home_to_be_run_there(result: dict[str, bytes], job: Any, tmp_path: Path) -> None:
    for name, content in result.items():
        (tmp_path / name).write_bytes(content)
    from eutonia.study.design import load_study

    for name in ("pump_missed_refill", "pump"):
        assert load_study(tmp_path / f"{name}.toml").name == name
    assert b"/tmp" not in result["run.json"].replace(b"eutonia-", b""), "no folder of the server"
    assert job.request["cases"][0].encode() == result["pump_missed_refill.toml"]


_OF_FILES = re.compile(
    r"\bkeys?\b|\[|\]|_(?:at|h|clearance|every|beyond|label)|quotation|examine|TOML|\bfile\b|\bcase\b", re.I
)


@pytest.mark.parametrize("name", [one for one in NAMES if not one.endswith("_3")])
@pytest.mark.parametrize("value", ["", "x", "-1", "0", "99999", "1e3", "nan", "5 mg/day", "2026-01-01"])
def test_faults_speak_of_the_fields_of_the_form(name: str, value: str) -> None:
    kinds = {"product_": "toxin", "muscle_": "toxin", "limb_": "stretching", "late_": "missed", "every_": "tablets"}
    kind = next((kind for start, kind in kinds.items() if name.startswith(start)), "")
    more = {f"kind_{name[-1]}": kind} if kind else {}
    for field, told in clinic.read(START | more | {name: value}).faults.items():
        assert field in LABELS
        for one in told:
            if name not in ("mask", "steps_1"):
                assert not _OF_FILES.search(one), one
            if field in ("charted_at", "begins", "follow"):
                assert not re.search(r"\d day", one), one


def test_faults_while_writing_are_those_of_the_button(client: TestClient, base: Path) -> None:
    wrong = FIELDS | {"weight": "700", "amount_1": "3 mg/day", "onset": "soon"}
    live = client.post("/clinic/faults", data=wrong).json()
    page = client.post("/clinic", data=wrong).text
    told = re.findall(r'class="fault" id="fault-([a-z_0-9]+)-\d">(.*?)</p>', page)
    assert [(name, html.unescape(one)) for name, one in told] == [
        (name, one) for name in sorted(live, key=page.index) for one in live[name]
    ] or {(name, html.unescape(one)) for name, one in told} == {(name, one) for name in live for one in live[name]}
    assert set(live) >= {"onset"}
    before = _kept(Store(base))
    other = nifti(ball((-30, 0, 15), 11.0).astype(np.uint8))
    sent = FIELDS | {"follow": "2026-12-30"}
    assert client.post("/clinic/faults", data=sent, files={"mask_file": ("a.nii", other)}).json() == {}
    assert _kept(Store(base)) == before, "each look at the form let masks of other people go"
