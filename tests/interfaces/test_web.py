"""Pages and the JSON API: what they answer, what they refuse, and what nobody reaches through them."""

from __future__ import annotations

import html
import math
import multiprocessing
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
import xarray
from fastapi.testclient import TestClient

import eutonia
from eutonia.errors import EutoniaError
from eutonia.report.words import clinic as words_of_clinic
from eutonia.study.design import parse_study, shipped
from eutonia.web import asked, clinic, clinic_fields, guard, limits, service, trial_form
from eutonia.web.app import alone, checked_token, create_app
from eutonia.web.jobs import Jobs
from eutonia.web.store import ResultFile, Store
from eutonia.web.worker import _compare, _run

Run = Callable[..., int]
WHOLE = shipped()["case_own_signal"].read_text(encoding="utf-8")
CASE = WHOLE[: WHOLE.index("# --- Month 18")].replace('"30 month"', '"15 month"')
EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPT = "<script>alert(1)</script>"


class NoJobs(Jobs):
    """Jobs that only wait, so that a test decides what becomes of them."""

    def start(self) -> None:
        """Begin nothing."""

    def stop(self) -> None:
        """End nothing."""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "web.sqlite"


@pytest.fixture
def client(base: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr("eutonia.web.app.Jobs", NoJobs)
    with TestClient(create_app(base), base_url="http://localhost", follow_redirects=False) as asking:
        yield asking


# --- pages ---


@pytest.mark.parametrize("path", ["/", "/story", "/clinic", "/study", "/api"])
def test_every_page_says_what_it_is_and_loads_nothing(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert "Research and teaching only, not a medical device" in answer.text
    assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', answer.text)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not re.search(
        "\u00b5g|\u03bcg|\\bug\\b", re.sub(r"<(?:pre|textarea|style).*?</", "", answer.text, flags=re.S)
    )


def test_the_form_becomes_cases_of_one_person_that_run(client: TestClient, base: Path) -> None:
    answer = client.post("/clinic", data=clinic.START)
    assert answer.status_code == 303
    job = Store(base).job(answer.headers["location"].rpartition("/")[2])
    assert job is not None
    cases = [parse_study(text) for text in job.request["cases"]]
    assert [one.name for one in cases] == ["tablets", "pump"]
    tablets, pump = cases
    assert tablets.patient == pump.patient
    assert tablets.patient.age_year == 61
    assert [event.dose_mg for event in tablets.events] == [5.0, 10.0]
    assert pump.events[0].rate_ug_per_h == pytest.approx(150 / 24)
    assert sum(event.kind == "refill" for event in pump.events) >= 4
    again = client.post("/clinic", data=clinic.START)
    assert again.headers["location"] == answer.headers["location"]
    back = client.get(html.unescape(job.request["back"]))
    assert 'value="150 mcg/day"' in back.text


def test_a_comparison_says_danger_in_red_and_leads_back(client: TestClient, base: Path, tmp_path: Path) -> None:
    fields = clinic.START | {
        "kind_1": "missed", "amount_1": "400 mcg/day", "late_1": "9", "kind_2": "stretching", "amount_2": "1",
        "limb_2": "leg", "follow": "11", "kind_3": "toxin", "amount_3": "300 U", "product_3": "abobotulinumtoxinA",
        "muscle_3": "elbow flexors",
    }  # fmt: skip
    answer = client.post("/clinic", data=fields)
    assert answer.status_code == 303, re.findall(r'class="fault"[^>]*>(.*?)</p>', answer.text)
    job = Store(base).job(answer.headers["location"].rpartition("/")[2])
    assert job is not None
    files = {one.name: one for one in _compare(job.request, lambda *_: None)}
    Store(base).take()
    store = Store(base)
    while (running := store.job(job.id)) is not None and running.state != "running":
        store.take()
    store.finish(job.id, list(files.values()))
    report = client.get(f"/results/{job.id}/report.html")
    assert report.status_code == 200
    danger = re.search(r'<div class="danger" role="note">(.*?)</div>', report.text, re.S)
    assert danger is not None
    assert "emergency from its first hour" in danger[1]
    assert 'href="/clinic?' in report.text
    assert "frame-ancestors 'none'" in report.headers["content-security-policy"]
    (tmp_path / "courses.nc").write_bytes(files["courses.nc"].content)
    with xarray.open_dataset(tmp_path / "courses.nc", engine="h5netcdf") as courses:
        group = courses["ashworth_elbow_flexors"]
        assert bool(group.notnull().any(("time_h", "patient")).all()), "beside the others"
    table = client.get(f"/results/{job.id}/options.csv")
    assert table.headers["content-disposition"] == 'attachment; filename="options.csv"'
    assert table.text.startswith("option,")
    assert "options.csv" in client.get(f"/results/{job.id}").text


def wrong_study(**more: str) -> str:
    """Return what the command line would say of the tablets of the form with these fields."""
    found = clinic.read(clinic.START | more)
    try:
        asked.study_of(found.texts[0], "study")
    except EutoniaError as error:
        return str(getattr(error, "faults", ("",))[0].why)
    return ""


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("weight", "680", "to 250 kg"),
        ("age", "old", "not a number with a unit"),
        ("amount_1", "10 mcg", "this is an oral dose"),
        ("amount_2", "150 mg/day", "intrathecal"),
        ("leg", "9", "1 to 5"),
        ("kidneys", "", "It is empty"),
        ("begins", "19", "after the end of the time"),
        ("begins", "soon", "a number of months"),
        ("lesion", "elsewhere", "one of the list"),
        ("kind_2", "", "2 or 3"),
    ],
)
def test_a_wrong_field_says_at_its_place_what_the_command_line_says(
    client: TestClient, base: Path, name: str, value: str, words: str
) -> None:
    answer = client.post("/clinic", data=clinic.START | {name: value})
    assert answer.status_code == 422
    faults = clinic.read(clinic.START | {name: value}).faults
    assert name in faults, faults
    told = " ".join(faults[name])
    assert words in told
    assert re.search(
        rf'id="{name}" name="{name}" aria-describedby="[^"]*fault-{name}" aria-invalid="true"', answer.text
    )
    assert f'<a href="#{name}">' in answer.text, "the list at the top leads there"
    assert words_of_clinic(faults[name][0]) in html.unescape(answer.text)
    if name in ("weight", "leg", "amount_1"):
        assert wrong_study(**{name: value}) in told
    assert Store(base).newest(5)[0].kind == "story", "nothing was asked for"


def cases_of(**more: str) -> list[Any]:
    """Return the cases that the form makes with these fields; it must have no fault."""
    found = clinic.read(clinic.START | more)
    assert found.faults == {}
    return [parse_study(text) for text in found.texts]


def refills(case: Any) -> list[float]:
    return [float(event.at_h) / 24 for event in case.events if event.kind == "refill"]


@pytest.mark.parametrize(
    "rate", ["6.25 mcg/h", "1050 mcg/week", "150 mcg per day", "150 microgram/day", "1.5e2 ug/day"]
)
def test_a_pump_is_refilled_in_time_whatever_the_unit_of_its_rate(rate: str) -> None:
    plain, other = (cases_of(amount_2=told)[1] for told in ("150 mcg/day", rate))
    assert refills(other) == refills(plain)
    assert len(refills(other)) == 5  # 18 of 20 mL of 500 ug/mL last 60 days, and there are 11 months
    assert refills(other)[0] == pytest.approx(7 * 30.4375 + 60, abs=0.01)


@pytest.mark.parametrize("dose", ["10 milligrams", "1e1 mg", "10mg"])
def test_tablets_rise_to_their_dose_whatever_its_unit(dose: str) -> None:
    assert [event.dose_mg for event in cases_of(amount_1=dose)[0].events] == [5.0, 10.0]


def test_the_missed_refill_is_the_first_and_comes_so_late() -> None:
    """At 150 ug/day 20 mL of 500 ug/mL are dry after 66.7 days; the next ones come 60 days after each other."""
    missed = {"kind_2": "missed", "amount_2": "150 mcg/day"}
    first, second, *_ = refills(cases_of(**missed, late_2="9")[1])
    assert first == pytest.approx(7 * 30.4375 + 10_000 / 150 + 9, abs=0.01)
    assert second == pytest.approx(first + 60, abs=0.02)
    assert refills(cases_of(**missed)[1])[0] == pytest.approx(first - 2, abs=0.02)
    assert len(refills(cases_of(**missed, follow="9.5")[1])) == 1
    short = clinic.read(clinic.START | missed | {"follow": "9"}).faults
    assert list(short) == ["follow"]
    assert "Nearest: 10." in short["follow"][0]
    never = clinic.read(clinic.START | missed | {"late_2": "0"}).faults
    assert list(never) == ["late_2"]


def test_a_heading_says_what_is_given_and_nothing_else() -> None:
    titles = [case.title for case in cases_of(kind_2="nothing", amount_2="150 mcg/day", every_1="6")]
    assert titles == ["Baclofen tablets, 10 mg every 6 h", "No treatment"]
    for amount, told in (("300 U", "300 U onabotulinumtoxinA"), ("300 U onabotulinumtoxinA",) * 2):
        toxin = cases_of(
            kind_2="toxin", amount_2=amount, product_2="onabotulinumtoxinA", muscle_2="ankle plantarflexors"
        )[1]
        assert toxin.title == f"Botulinum toxin, {told}", "a unit of one product is none of another"
        assert toxin.treatments[0].happenings(1e5)[0][1] == "300 U onabotulinumtoxinA, ankle plantarflexors"


@pytest.mark.parametrize("day", ["9999-12-01", "0001-01-01", "2201-01-01"])
def test_a_year_of_nobody_is_refused_at_its_field(client: TestClient, day: str) -> None:
    """The first of them, with a pump of steps, was an overflow that the server could not tell."""
    steps = {"amount_2": "", "steps_2": "00:00 8 mcg/h, 06:00 5 mcg/h"}
    for name, more in (("onset", {}), ("begins", {"onset": "2026-03-02"}), ("follow", {"onset": "2026-03-02"})):
        answer = client.post("/clinic", data=clinic.START | steps | more | {name: day})
        assert answer.status_code == 422
        told = html.unescape(re.findall(rf'id="fault-{name}-1">(.*?)</p>', answer.text)[0])
        assert day in told
        assert "1900-01-01 to 2200-12-31" in told


@pytest.mark.parametrize("hours", ["2", "2 h", "2 hours", "2 hours a day", "2 h/day", "120 min"])
def test_hours_are_read_with_and_without_their_unit_in_both_forms(hours: str) -> None:
    """Words that a file reads were refused: "2 hours"."""
    (_, case) = cases_of(kind_2="stretching", amount_2=hours)
    assert case.treatments[0].hours_per_day == 2.0
    text, faults = trial_form.study_of(
        trial_form.START | {"kind_2": "stretching", "amount_2": hours, "visits": "12 weeks"}
    )
    assert faults == {}
    assert "hours_per_day = 2.0" in text
    wrong = {"kind_2": "stretching", "amount_2": "2 mg"}
    assert "amount_2" in clinic.read(clinic.START | wrong).faults
    assert "amount_2" in trial_form.study_of(trial_form.START | wrong)[1]


def test_a_recording_is_fitted_with_a_body_of_the_form(
    client: TestClient, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sizes were read as kinds of quantity that no table has, so that whoever filled them in met an error."""
    swing = "time_s,angle_deg\n" + "".join(
        f"{k / 100:.2f},{90 - 60 * math.exp(-k / 80) * math.cos(k / 16):.4f}\n" for k in range(400)
    )
    sent = {"test": "pendulum", "joint": "knee", "weight": "71", "height": "175"}
    answer = client.post("/fit", data=sent, files={"traces": ("swing.csv", swing.encode())})
    assert answer.status_code == 303, re.findall(r'class="fault"[^>]*>(.*?)</p>', answer.text)
    job = Store(base).job(answer.headers["location"].rpartition("/")[2])
    assert job is not None
    assert (job.request["weight"], job.request["height"]) == ("71 kg", "175 cm")
    monkeypatch.setattr(Store, "put", lambda *_: pytest.fail("what is refused is not kept"))
    wrong = sent | {"weight": "700", "height": "17.5", "shank_length": "42 kg"}
    page = html.unescape(client.post("/fit", data=wrong, files={"traces": ("swing.csv", swing.encode())}).text)
    none = html.unescape(client.post("/fit", data=wrong, files={"traces": ("swing.csv", b"a,b")}).text)
    assert all(f'id="fault-{key}-1"' in none for key in ("weight", "traces")), "all faults come at once"
    ankle = client.post("/fit", data=sent | {"joint": "ankle"}, files={"traces": ("swing.csv", swing.encode())})
    assert "Use joint knee" in re.findall(r'id="fault-joint-1">(.*?)</p>', ankle.text, re.DOTALL)[0]
    for field, words in (("weight", "3 kg to 300 kg|3 to 300 kg"), ("height", "45 to 250 cm"), ("shank_length", "cm")):
        told = re.findall(rf'id="fault-{field}-1">(.*?)</p>', page)
        assert told, field
        assert re.search(words, told[0]), told


@pytest.mark.parametrize("score", ["nan", "inf", "-inf", "1e400"])
@pytest.mark.parametrize("scale", ["ashworth", "modified_ashworth"])
def test_a_score_that_is_no_number_is_refused_at_its_field(client: TestClient, scale: str, score: str) -> None:
    fields = clinic.START | {"scale": scale, "leg": score, "arm": "3"}
    answer = client.post("/clinic", data=fields)
    assert answer.status_code == 422
    assert "leg" in clinic.read(fields).faults


def test_markup_in_every_field_stays_text(client: TestClient) -> None:
    forms = {"/clinic": (clinic_fields.NAMES, clinic.START), "/trial": (trial_form.NAMES, trial_form.START)}
    forms["/segment"] = (("bias", "csf", "protocol"), {})
    forms["/fit"] = (("test", "joint", "weight", "height", "shank_length"), {})
    for path, (names, start) in forms.items():
        for name in names:
            answer = client.post(path, data=start | {name: SCRIPT})
            assert SCRIPT not in answer.text, (path, name)
            assert SCRIPT not in client.get(path, params={name: SCRIPT, "job": SCRIPT}).text, (path, name)
    for path, file in (("/clinic", "mask_file"), ("/fit", "traces")):
        answer = client.post(path, data={}, files={file: (SCRIPT, SCRIPT.encode())})
        assert SCRIPT not in answer.text, path
        assert answer.status_code == 422
    text = CASE.replace("Lowering one's own signal", SCRIPT).replace('weight = "82 kg"', f'weight = "{SCRIPT}"')
    answer = client.post("/study", data={"study": text + "</textarea>" + SCRIPT, "replicates": SCRIPT})
    assert answer.status_code == 422
    assert SCRIPT not in answer.text
    assert SCRIPT not in client.get("/clinic", params={"age": SCRIPT, "kind_1": SCRIPT}).text
    assert SCRIPT not in client.get("/results/" + SCRIPT.replace("/", "")).text
    assert SCRIPT not in client.post("/api/v1/check", json={"study": text}).headers.get("location", "")


def test_a_study_is_checked_or_run(client: TestClient, base: Path) -> None:
    assert "case_own_signal: valid case" in client.post("/study", data=form(CASE, do="check")).text
    answer = client.post("/study", data=form(CASE))
    assert answer.status_code == 303
    job = Store(base).job(answer.headers["location"].rpartition("/")[2])
    assert job is not None
    assert (job.kind, job.request["replicates"]) == ("run", 40)
    page = client.get(answer.headers["location"])
    assert '<meta http-equiv="refresh"' in page.text
    assert "own signal" in client.get(f"/study?from={job.id}").text
    assert client.post(f"/results/{job.id}/cancel").status_code == 303
    assert "It was cancelled" in client.get(answer.headers["location"]).text
    assert "Allowed on a server: 1 to 200" in client.post("/study", data=form(CASE, replicates="201")).text


def form(text: str, **more: str) -> dict[str, str]:
    return {"study": text.replace("\n", "\r\n"), "replicates": "40", "do": "run", **more}


# --- what nobody reaches ---


def test_no_file_of_the_machine_is_reached(client: TestClient, tmp_path: Path) -> None:
    program = tmp_path / "mine.toml"
    program.write_text("secret = 1\n", encoding="utf-8")
    text = shipped()["case_cord_flex"].read_text(encoding="utf-8")
    for name in (str(program), "../mine.toml", "mine.toml", "file:///mine.toml"):
        answer = client.post("/api/v1/check", json={"study": text.replace('"flex_calls"', f'"{name}"')})
        assert answer.json()["valid"] is False
        assert "Allowed: on a server: " in " ".join(answer.json()["told"].split())
        assert "secret" not in answer.text
    assert client.post("/api/v1/check", json={"study": text}).json()["valid"] is True
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/results/x/..%2f..%2fweb.sqlite", "/static/web.css"):
        assert client.get(path).status_code == 404


def _in_an_arm(name: str) -> str:
    text = shipped()["pump_against_conventional"].read_text(encoding="utf-8")
    return text.replace('"trial_pump"', f'"{name}"')


def _in_an_option(name: str) -> str:
    therapy = f'[[option]]\nname = "other"\ntitle = "Another"\n[option.therapy]\nprogram = "{name}"\n'
    return shipped()["case_cord_flex"].read_text(encoding="utf-8") + therapy


def _as_a_mask(name: str) -> str:
    text = shipped()["case_own_lesion_mask"].read_text(encoding="utf-8")
    return text.replace('"own_lesion_mask.nii.gz"', f'"{name}"')


@pytest.mark.parametrize(
    ("write", "ships", "own", "key"),
    [
        (_in_an_arm, "trial_pump", "mine.toml", "program"),
        (_in_an_option, "flex_calls", "mine.toml", "program"),
        (_as_a_mask, "own_lesion_mask.nii.gz", "mine.nii.gz", "mask"),
    ],
)
def test_no_place_of_a_study_reaches_a_file(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[str], str], ships: str,
    own: str, key: str,
) -> None:  # fmt: skip
    """Not by its path, nor by its name where the server stands, nor in the place of what ships."""
    monkeypatch.chdir(tmp_path)
    for name in (own, ships):
        (tmp_path / name).write_text("secret = 1\n", encoding="utf-8")
    told = [client.post("/api/v1/check", json={"study": write(name)}) for name in (own, f"{tmp_path}/{own}", f"x{own}")]
    for answer in told:
        faults = [one for one in answer.json()["faults"] if one["key"].endswith(key)]
        assert len(faults) == 1, answer.text
        assert ships in faults[0]["allowed"]
        assert "secret" not in answer.text
    assert len({answer.json()["faults"][0]["why"] for answer in told}) == 1, "nobody learns which file is there"
    assert client.post("/api/v1/check", json={"study": write(ships)}).json()["valid"] is True


def test_a_study_with_a_mask_runs_and_brings_it_back() -> None:
    """The mask goes with the result as bytes, whatever the ending of its name."""
    study = shipped()["case_own_lesion_mask"].read_text(encoding="utf-8")
    study = re.sub(r'(?m)^duration = ".*"$', 'duration = "7 month"', study)
    files = {one.name: one for one in _run({"study": study, "replicates": 1}, lambda *_: None)}
    assert files["lesion_mask.nii.gz"].media == "application/octet-stream"


def test_another_name_of_the_host_is_refused(client: TestClient) -> None:
    assert client.get("/", headers={"host": "evil.example"}).status_code == 421
    assert client.get("/", headers={"host": "localhost.evil.example"}).status_code == 421
    assert client.get("/", headers={"host": ""}).status_code == 421
    assert client.get("/", headers={"host": "127.0.0.1:8350"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_what_changes_something_comes_from_a_page_of_ours(
    client: TestClient, base: Path, headers: dict[str, str]
) -> None:
    assert client.post("/clinic", data=clinic.START, headers=headers).status_code == 403
    assert [job.kind for job in Store(base).newest(5)] == ["story"]
    assert client.post("/clinic", data=clinic.START, headers={"origin": "http://localhost"}).status_code == 303


def test_beyond_this_machine_a_token_is_asked_for(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eutonia.web.app.Jobs", NoJobs)
    token = "a-token-of-two-dozen-signs"
    app = create_app(base, hosts=("here.example",), token=token)
    with TestClient(app, base_url="http://here.example", follow_redirects=False) as asking:
        assert asking.get("/clinic").status_code == 401
        assert asking.get("/clinic?token=wrong").status_code == 401
        assert asking.get("/", headers={"authorization": "Bearer wrong"}).status_code == 401
        assert asking.get("/", headers={"authorization": f"Bearer {token}"}).status_code == 200
        answer = asking.get(f"/clinic?token={token}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/clinic")
        also = asking.get(f"/study?like=toxin_arm&token={token}&from=x%26y%0d%0ax")
        assert also.headers["location"] == "/study?like=toxin_arm&from=x%26y%0d%0ax"
        assert asking.get(f"/a%0d%0ab?token={token}").headers["location"] == "/a%0D%0Ab"
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert "SameSite=Strict" in answer.headers["set-cookie"]
        assert asking.get("/clinic").status_code == 200
        asking.cookies.clear()
        foreign = '{"a": 1}; theme[dark]="x y"; eutonia_token='
        assert asking.get("/clinic", headers={"cookie": f"odd={foreign}{token}; last"}).status_code == 200
        assert asking.get("/clinic", headers={"cookie": f"odd={foreign}wrong"}).status_code == 401
        assert asking.get("/clinic", headers={"cookie": f"not_{foreign[-14:]}{token}"}).status_code == 401


def test_no_token_no_listening_beyond() -> None:
    assert checked_token("127.0.0.1", None, ()) is None
    for host, token, names in (("0.0.0.0", None, ()), ("127.0.0.1", None, ("me.example",)), ("0.0.0.0", "short", ())):
        with pytest.raises(EutoniaError, match=r"Allowed: .*Nearest: --token"):
            checked_token(host, token, names)


def test_the_command_says_so(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("serve", "--host", "0.0.0.0", "--no-open") == 2
    assert "with a token only" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("port", r"--port \d+ cannot be listened on: Address already in use.*Nearest: \d+"),
        ("base folder", r'--base ".*" cannot be the store: .*Nearest: .*web\.sqlite'),
        ("base text", r'--base ".*" cannot be the store: file is not a database'),
        ("base below a file", r'--base ".*" cannot be the store: '),
        ("host", r'--host "no such host" is no address of this machine.*Nearest: 127\.0\.0\.1'),
        ("host of others", r'--host "192\.0\.2\.1" is no address of this machine'),
    ],
)
def test_what_cannot_be_served_is_said_before_it_is_announced(
    run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path, wrong: str, words: str
) -> None:
    note = tmp_path / "note.txt"
    note.write_text("no database, but a page of text that somebody wrote and wants to keep\n" * 9, encoding="utf-8")
    before = note.read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as free:
        port = taken.getsockname()[1] if wrong == "port" else free.getsockname()[1]
        free.close()
        given = {
            "base folder": ["--base", str(tmp_path)],
            "base text": ["--base", str(note)],
            "base below a file": ["--base", str(note / "web.sqlite")],
            "host": ["--host", "no such host", "--token", "a-token-of-two-dozen-signs"],
            "host of others": ["--host", "192.0.2.1", "--token", "a-token-of-two-dozen-signs"],
        }.get(wrong, [])
        base = [] if "--base" in given else ["--base", str(tmp_path / "web.sqlite")]
        assert run("serve", "--no-open", "--port", str(port), *given, *base) == 2
    out, err = capsys.readouterr()
    assert "Ctrl-C" not in out
    assert re.search(words, " ".join(err.split())), err
    assert note.read_bytes() == before


def test_the_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code = "from eutonia.cli.app import main; raise SystemExit(main())"
    command = [sys.executable, "-c", code, "serve", "--no-open", "--port", str(port), "--base", str(tmp_path / "w.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert f":{port}/" in server.stdout.readline()
        with urllib.request.urlopen(f"http://localhost:{port}/api/v1/openapi.json", timeout=60) as answer:
            assert answer.status == 200
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=60) == 0


# --- limits ---


def test_too_much_is_refused(client: TestClient, base: Path) -> None:
    assert client.post("/api/v1/check", json={"study": "x" * limits.BODY}).status_code == 413
    for path, most in (("/clinic", limits.UPLOAD), ("/study", limits.BODY), ("/api/v1/check", limits.BODY)):
        answer = client.post(path, content=(b"x" * 50_000 for _ in range(most // 50_000 + 1)))
        assert answer.status_code == 413, path
    large = CASE.replace('"15 month"', '"12 year"')
    told = client.post("/api/v1/check", json={"study": large}).json()["told"]
    assert "Allowed" in told
    trial = shipped()["parallel_tablets"].read_text(encoding="utf-8")
    many = re.sub(r"(?m)^n = \d+", "n = 5000", trial)
    assert f"Allowed on a server: {limits.PEOPLE}" in client.post("/api/v1/check", json={"study": many}).json()["told"]
    answer = client.post("/api/v1/run", json={"study": trial, "replicates": limits.REPLICATES + 1})
    assert answer.status_code == 422
    store = Store(base)
    for number in range(limits.WAITING):
        if number < limits.WAITING - 1:
            store.ask("run", {"study": CASE, "replicates": number + 1}, "x")
    full = client.post("/api/v1/run", json={"study": CASE})
    assert full.status_code == 422
    assert "jobs wait already" in full.json()["detail"]


def test_the_oldest_results_go_first(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEPT", 2)
    store = Store(base)
    ids = []
    for number in range(4):
        job = store.ask("run", {"number": number}, "x")
        ids.append(job.id)
        assert store.take() is not None
        store.finish(job.id, [ResultFile("a.txt", "text/plain", b"a")])
        time.sleep(0.002)
    store.ask("run", {"number": 4}, "x")
    kept = [name for name in ids if store.job(name) is not None]
    assert kept == ids[-2:]
    assert store.names(ids[0]) == []


# --- jobs ---


def waits(store: Store, name: str, *states: str, most_s: float = 120.0) -> str:
    until = time.monotonic() + most_s
    while time.monotonic() < until:
        job = store.job(name)
        assert job is not None
        if job.state in states:
            return job.state
        time.sleep(0.05)
    raise AssertionError(f"it is still {store.job(name)}")


def test_a_job_is_done_refused_cancelled_and_repeated(base: Path) -> None:
    store = Store(base)
    jobs = Jobs(store)
    wrong = store.ask("run", {"study": "[study]", "replicates": 1}, "x")
    jobs.start()
    try:
        assert waits(store, wrong.id, "refused", "failed", "done") == "refused"
        assert "kind" in str(store.job(wrong.id))
        case = store.ask("run", {"study": CASE, "replicates": 1}, "x")
        jobs.wake()
        waits(store, case.id, "running")
        assert store.cancel(case.id)
        assert waits(store, case.id, "cancelled") == "cancelled"
        again = store.ask("run", {"study": CASE, "replicates": 1}, "x")
        assert again.id == case.id
        jobs.wake()
        waits(store, case.id, "running")
    finally:
        jobs.stop()
    # The server ended in the middle of it; the next one takes it up.
    assert waits(Store(base), case.id, "running") == "running"
    after = Jobs(Store(base))
    after.start()
    try:
        assert waits(store, case.id, "done", "failed", "refused") == "done"
    finally:
        after.stop()
    names = dict(store.names(case.id))
    assert {"report.html", "run.json", "summary.json"} <= set(names)
    assert b"case_own_signal" in getattr(store.file(case.id, "run.json"), "content", b"")


def test_a_job_that_takes_too_long_is_ended(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store = Store(base)
    jobs = Jobs(store, longest_s=0.0)
    job = store.ask("run", {"study": CASE, "replicates": 1}, "x")
    jobs.start()
    try:
        assert waits(store, job.id, "refused", "done", "failed") == "failed"
        assert "took longer" in getattr(store.job(job.id), "told", "")
        again = store.ask("run", {"study": CASE, "replicates": 1}, "x")
        assert (again.id, again.told) == (job.id, ""), "the same question is computed again, not refused for good"
    finally:
        jobs.stop()
    assert not list(tmp_path.glob("eutonia-web-*")), "a worker that is ended leaves nothing behind"


def test_a_worker_that_ends_with_its_server_leaves_its_job_to_the_next(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(Store(base))
    asked = jobs.store.ask("story", {}, "")
    ours, theirs = multiprocessing.Pipe()
    theirs.close()
    monkeypatch.setattr(jobs, "_hired", lambda: ours)
    threading.Timer(0.2, jobs._ends.set).start()
    running = jobs.store.take()
    assert running is not None
    jobs._run(running)
    assert jobs.store.again() == 1
    found = jobs.store.job(asked.id)
    assert found is not None
    assert found.state == "queued"


def test_a_store_has_one_server(base: Path) -> None:
    with alone(base), pytest.raises(EutoniaError, match=r"Nearest: --base .*web-2\.sqlite"), alone(base):
        pass
    with alone(base):
        pass


def test_a_killed_server_loses_nothing_that_was_done(base: Path) -> None:
    """The process dies between two jobs, as by kill -9, while one runs."""
    code = (
        "import os, pathlib, sys; from eutonia.web.store import ResultFile, Store;"
        "s = Store(pathlib.Path(sys.argv[1]));"
        "a = s.ask('run', {'n': 1}, 'x'); s.take(); s.finish(a.id, [ResultFile('a', 'text/plain', b'kept')]);"
        "b = s.ask('run', {'n': 2}, 'x'); s.take(); c = s.ask('run', {'n': 3}, 'x');"
        "print(a.id, b.id, c.id, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(base)], capture_output=True, text=True, check=False)
    finished, ran, waited = done.stdout.split()
    store = Store(base)
    assert getattr(store.file(finished, "a"), "content", None) == b"kept"
    assert store.again() == 1
    assert [getattr(store.job(name), "state", None) for name in (finished, ran, waited)] == ["done", "queued", "queued"]
    assert sqlite3.connect(base).execute("pragma integrity_check").fetchone() == ("ok",)


# --- the API ---


def test_check_lists_every_fault_in_its_parts(client: TestClient) -> None:
    wrong = CASE.replace('"82 kg"', '"820 kg"').replace("score = 4.0", "score = 9")
    found = client.post("/api/v1/check", json={"study": wrong}).json()
    assert found["valid"] is False
    assert [fault["key"] for fault in found["faults"]] == ["patient.weight", "charted[0].score"]
    assert all(fault["line"] and fault["why"] and fault["allowed"] and fault["do"] for fault in found["faults"])
    assert client.post("/api/v1/check", json={"study": CASE}).json() == {
        "valid": True, "told": "case_own_signal: valid case.", "kind": "case", "name": "case_own_signal", "faults": [],
    }  # fmt: skip


def test_long_work_is_a_job_with_an_address(client: TestClient, base: Path) -> None:
    answer = client.post("/api/v1/run", json={"study": CASE})
    assert answer.status_code == 202
    here = answer.headers["location"]
    assert client.get(here).json()["state"] == "queued"
    other = CASE.replace('"case_own_signal"', '"other"').replace("lowered = 0.10", "lowered = 0.20")
    both = client.post("/api/v1/compare", json={"cases": [CASE, other]})
    assert both.status_code == 202
    store = Store(base)
    while (job := store.take()) is not None:
        if job.id == answer.json()["id"]:
            store.finish(job.id, [ResultFile("run.json", "application/json", b"{}")])
    told = client.get(here).json()
    assert told["state"] == "done"
    assert client.get(told["files"]["run.json"]).json() == {}
    assert client.delete(both.headers["location"]).json()["state"] == "cancelled"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/run", {"study": "[study]"}, 422),
        ("/api/v1/run", {"study": CASE, "replicates": "many"}, 422),
        ("/api/v1/run", {"study": CASE, "more": 1}, 422),
        ("/api/v1/compare", {"cases": [CASE]}, 422),
        ("/api/v1/compare", {"cases": [CASE, CASE]}, 422),
        ("/api/v1/exposure", {"events": "ID,TIME\n1,zero\n"}, 422),
        ("/api/v1/pump", {"program": "x = 1"}, 422),
        ("/api/v1/examine", {"study": shipped()["parallel_tablets"].read_text(encoding="utf-8")}, 422),
        ("/api/v1/fit-stretch", {"traces": [{"name": "x", "table": "time_s\n1\n"}], "test": "pendulum"}, 422),
        ("/api/v1/fit-stretch", {"traces": [], "test": "pendulum"}, 422),
        ("/api/v1/segment", {"bias": "9 mV"}, 422),
        ("/api/v1/segment", {"bias": "2 ug"}, 422),
        ("/api/v1/files", {}, 422),
        ("/api/v1/nothing", {}, 404),
    ],
)
def test_a_fault_is_told_as_problem_details(client: TestClient, path: str, body: dict[str, Any], status: int) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["title"]
    routes = client.get("/api/v1/openapi.json").json()["paths"]
    for answers in (one["responses"] for methods in routes.values() for one in methods.values()):
        assert list(answers[str(status)]["content"]) == ["application/problem+json"], "as the API says itself"
    assert "Traceback" not in answer.text
    assert told["detail"], "what is allowed, and what to do"


@pytest.mark.parametrize(
    ("path", "sent", "parts"),
    [
        ("run", {"content": "{"}, {"key": "body", "allowed": "one JSON object with study, replicates"}),
        ("run", {"data": {"study": "x"}}, {"key": "body", "given": 'content-type "application/x-www-form-urlencoded"'}),
        ("run", {"json": {"study": "x", "replicates": 1000}}, {"given": "1000", "nearest": [str(limits.REPLICATES)]}),
        ("run", {"json": {"study": "x", "replicats": 2}}, {"key": "replicats", "nearest": ["replicates"]}),
        ("segment", {"json": {"seed": -1}}, {"allowed": "at least 0", "nearest": ["0"]}),
        ("compare", {"json": {"cases": "x"}}, {"given": '"x"', "allowed": "a list"}),
        ("fit-stretch", {"json": {"traces": []}}, {"key": "traces", "allowed": "at least 1 long"}),
        ("pump", {"json": {}}, {"key": "program", "why": "It is missing.", "allowed": "A pump program, as text"}),
    ],
)
def test_a_request_that_the_api_does_not_describe_is_told_in_all_its_parts(
    client: TestClient, path: str, sent: dict[str, Any], parts: dict[str, Any]
) -> None:
    told = client.post(f"/api/v1/{path}", **sent).json()
    fault = told["faults"][0]
    assert fault | parts == fault
    assert fault["do"]
    assert fault["allowed"] in told["detail"]
    assert set(fault) == set(service.FaultTold.model_fields)


@pytest.mark.parametrize(
    ("path", "more", "words"),
    [
        ("fit-stretch", {"test": "pend"}, "Nearest: pendulum"),
        ("fit-stretch", {"joint": "ankle"}, "Use `joint` knee, or `test`"),
        ("fit-stretch", {"test": "ramp"}, "Add the column\n  torque_Nm"),
        ("fit-stretch", {"weight": "71"}, "the option `weight`"),
        ("examine", {"test": "tendons"}, "Nearest: tendon"),
        ("examine", {"at": "day 99999"}, '`at` "day 99999" lies outside the case'),
        ("examine", {"limb": "tail"}, "Leave `limb` out"),
        ("exposure", {"values": ["CL"]}, '`values` "CL" is not NAME=VALUE'),
        ("exposure", {}, 'or `values` "RATE_M=... mg/h"'),
    ],
)
def test_what_the_command_would_refuse_is_refused_at_once_in_words_of_the_api(
    client: TestClient, path: str, more: dict[str, Any], words: str
) -> None:
    """A job was begun that could only refuse, and options of a command were named to whoever had sent fields."""
    swing = (EXAMPLES / "pendulum_simulated.csv").read_text(encoding="utf-8")
    asked = {
        "fit-stretch": {"traces": [{"name": "swing.csv", "table": swing}], "test": "pendulum"},
        "examine": {"study": shipped()["case_own_signal"].read_text(encoding="utf-8")},
        "exposure": {"events": "ID,TIME,EVID,AMT,CMT,RATE\n1,0,1,5,1,-1\n"},
    }
    answer = client.post(f"/api/v1/{path}", json=asked[path] | more)
    assert answer.status_code == 422, answer.text
    assert words in answer.json()["detail"]
    assert "--" not in answer.json()["detail"]
    if path == "exposure" and not more:
        fault = answer.json()["faults"][0]
        assert (fault["key"], fault["line"], fault["given"]) == ("RATE", 2, "-1")


def test_what_is_not_there_says_what_is(client: TestClient) -> None:
    wrong = client.put("/api/v1/run")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert "Nearest: POST /api/v1/run" in wrong.json()["detail"]
    assert "Nearest: /api/v1/run" in client.get("/api/v1/runs").json()["detail"]


def test_a_person_whose_file_is_too_large_reads_a_page(client: TestClient) -> None:
    files = {"mask": ("mask.nii.gz", bytes(limits.UPLOAD + 1))}
    page = client.post("/clinic", files=files, headers={"accept": "text/html,*/*;q=0.8"})
    assert page.status_code == 413
    assert page.headers["content-type"].startswith("text/html")
    assert "Too much at once" in page.text
    assert client.post("/clinic", files=files).json()["title"] == "Too much at once."


def test_exposure_and_pump_say_what_the_verbs_say(client: TestClient, tmp_path: Path) -> None:
    table = "ID,TIME,EVID,AMT,CMT,DV\n1,0,1,10,1,.\n1,2,0,.,2,.\n1,6,0,.,2,.\n"
    file = tmp_path / "events.csv"
    file.write_text(table, encoding="utf-8")
    ours = eutonia.expose(file)
    answer = client.post("/api/v1/exposure", json={"events": table})
    assert answer.status_code == 200, answer.text
    assert answer.json()["rows"] == ours.frame().to_dicts()
    wrong = client.post("/api/v1/exposure", json={"events": "ID,TIME\n1,zero\n"})
    assert "eutonia-web-" not in wrong.text
    from eutonia.study.pump_file import shipped as programs

    text = programs()["first_pump"].read_text(encoding="utf-8")
    played = client.post("/api/v1/pump", json={"program": text}).json()
    direct = eutonia.program("first_pump")
    assert played["told"] == direct.prose()
    assert len(played["broken"]) == len(direct.forecast.broken)
    assert [one["what"] for one in played["dates"]] == [one.what for one in direct.forecast.dates]
    assert len(played["rows"]) == direct.frame().height


def test_numbers_and_schema_are_those_of_the_program(client: TestClient) -> None:
    numbers = client.get("/api/v1/parameters", params={"set": "receptor"}).json()["numbers"]
    found = {one["name"]: one["value"] for one in numbers}
    assert found["ec50"] == [eutonia.parameters.load("receptor").value("ec50", "ng/mL")]
    assert client.get("/api/v1/parameters", params={"set": "nothing"}).status_code == 422
    assert client.get("/api/v1/schema").json()["title"] == "Eutonia study file"
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    assert {"/api/v1/check", "/api/v1/run", "/api/v1/compare", "/api/v1/exposure", "/api/v1/pump"} <= set(paths)
    assert not any(path in ("/", "/clinic") for path in paths)


def test_the_example_asks_a_server_and_prints_what_it_found(base: Path, tmp_path: Path) -> None:
    """With a server and a worker as users have them."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()  # so that whoever asks before the server is up waits for it
    server = uvicorn.Server(uvicorn.Config(create_app(base), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    study = tmp_path / "mine.toml"
    study.write_text(CASE.replace('"7 day"', '"56 day"'), encoding="utf-8")
    example = EXAMPLES / "ask_server.py"
    at = f"http://localhost:{listening.getsockname()[1]}"
    try:
        done = subprocess.run(
            [sys.executable, example, study, at], capture_output=True, text=True, check=False, timeout=240
        )
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        listening.close()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("done")
    assert len(done.stdout.splitlines()) > 2
    assert len(example.read_text(encoding="utf-8").splitlines()) < 26
    alone = subprocess.run([sys.executable, example], capture_output=True, text=True, check=False)
    assert alone.returncode == 1
    assert "ask_server.py STUDY.toml [ADDRESS]" in alone.stderr
    assert "Traceback" not in alone.stderr


def test_a_fault_of_ours_is_told_without_where_it_lies(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eutonia.web.app.Jobs", NoJobs)

    def fails(*_: object) -> None:
        raise RuntimeError("in the dark")

    monkeypatch.setattr(service, "study_of", fails)
    app = create_app(base)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as asking:
        answer = asking.post("/api/v1/check", json={"study": CASE})
    assert answer.status_code == 500
    assert "fault of the program" in answer.json()["title"]
    assert "dark" not in answer.text


def test_the_names_of_loopback_are_all_known() -> None:
    assert {"localhost", "127.0.0.1", "::1"} == set(guard.LOOPBACK)
    assert guard._host_of("[::1]:8350") == "::1"
