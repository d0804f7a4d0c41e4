"""The story for survivors and students: it computes as the model does, says what the model finds, and reads easily."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import page_script
import pytest
import textstat
from drug_examples import adapt

import eutonia
from eutonia.report.story import page as story
from eutonia.report.story.leg import StoryModel

Run = Callable[..., int]
#: How much of a number the page may miss by.
CLOSE = 1e-6
BASE = story._BASE
_KEYS = ("grade", "support", "drowsy", "resistance", "leg", "brain", "effect", "signal", "left")


@pytest.fixture(scope="module")
def model() -> StoryModel:
    return StoryModel.from_records()


@pytest.fixture(scope="module")
def page() -> str:
    return story.html()


def script_of(page: str) -> str:
    found = re.findall(r"<script>(.*?)</script>", page, re.S)
    assert len(found) == 1
    return str(found[0])


def settings(n: int) -> dict[str, np.ndarray]:
    """Return every corner of the sliders' ranges, and settings between them, as arrays of one length."""
    moved = story.sliders()
    ends = {one.key: (one.low, one.high) for one in moved.values()}
    ends |= {"answer": (0.0, 2.5), "stopped": (0.0, 1.0)}
    ends["pump"] = (0.0, 1000.0)
    corners = np.stack(np.meshgrid(*([0.0, 1.0],) * len(ends)), axis=-1).reshape(-1, len(ends))
    between = np.random.default_rng(14).uniform(size=(n, len(ends)))
    shares = np.concatenate([corners, between])
    found = {key: low + (high - low) * shares[:, i] for i, (key, (low, high)) in enumerate(ends.items())}
    return found | {"stopped": np.round(found["stopped"])}


def test_the_page_computes_what_the_model_computes(page: str, model: StoryModel, tmp_path: Path) -> None:
    at = settings(400)
    people = [dict(zip(at, map(float, values), strict=True)) for values in zip(*at.values(), strict=True)]
    script = script_of(page)
    alone = script[: script.index("// Sliders, buttons and pictures")]
    shown = f"{json.dumps(people)}.map(p => {{ const l = legOf(p); return {{ ...l, pull: pull(l, 0.7, p.pace) }}; }})"
    found = page_script.evaluate(alone, shown, tmp_path)
    ours = model.legs(at)
    for key in _KEYS:
        theirs = np.array([one[key] for one in found])
        assert np.max(np.abs(theirs - getattr(ours, key))) < CLOSE, key
        assert np.ptp(theirs) > 0.1, f"{key} never moved"
    pulled = model.pull(ours, np.full(len(people), 0.7), at["pace"])
    assert np.max(np.abs(np.array([one["pull"] for one in found]) - pulled)) < CLOSE


def test_another_number_of_a_record_reaches_the_page(page: str) -> None:
    with eutonia.using({"receptor.ec50": "60 ng/mL"}):
        changed = story.html()
    assert '"ec50": 60.0' in script_of(changed)
    assert '"ec50": 60.0' not in script_of(page)
    assert "Numbers changed for this run" in changed
    assert "were written for the numbers of the records" in changed


def test_the_leg_is_that_of_the_whole_model(model: StoryModel) -> None:
    """The same lesion, receptor and level, examined by the program's own fast clock."""
    from dataclasses import replace

    from eutonia.simulation.course import Snapshot
    from eutonia.simulation.examine import body_constants, examine
    from eutonia.simulation.make_people import make_people
    from eutonia.simulation.stance import stance

    at = {**BASE, "pump": np.array([0.0, 60.0, 120.0, 300.0])}
    ours = model.legs(at)
    cohort = eutonia.Cohort.of(
        eutonia.Patient(age=60.0, weight=70.0, sex="man", creatinine_clearance=90.0, side="right"),
        eutonia.Lesion.haemorrhagic("putaminal", 30.0, side="left"),
        time_since_onset_h=52 * 168.0,
    )
    people = make_people(cohort, seed=1).take(jnp.zeros(4, int))
    traits = people.traits
    still = replace(traits, muscle_deviation=0 * traits.muscle_deviation, contracture=0 * traits.contracture)
    n = people.n
    bias = jnp.asarray(np.resize(ours.signal, n))
    strength = np.resize(np.asarray(model.legs({**BASE}).steady.strength), n)
    people = replace(
        people, traits=still, bias=jnp.stack([bias, bias]), strength=jnp.stack([jnp.asarray(strength)] * 2)
    )
    effect = jnp.asarray(np.resize(ours.effect, n))
    receptor = model.constants.receptor
    taken = (receptor.hyperpolarisation + receptor.drive_share * bias) * effect
    seen = replace(
        Snapshot.untreated(n),
        hyperpolarisation=jnp.stack([taken, taken]),
        receptor_effect=jnp.stack([effect, effect]),
    )
    body = body_constants()
    excess = np.asarray(examine(people, seen, body).excess[0])
    stands = stance(people, seen, body)
    assert excess == pytest.approx(np.resize(np.asarray(ours.steady.excess), n), abs=1e-9)
    assert np.asarray(stands.tone_torque) == pytest.approx(np.resize(np.asarray(ours.steady.tone_torque), n), abs=1e-9)


def test_a_held_level_adapts_to_where_the_story_puts_it(model: StoryModel) -> None:
    """Integrated through five years of one level, tolerance is where the closed form has it."""
    from eutonia.drug.effect import gaba_b

    receptor, doses = model.constants.receptor, np.array([40.0, 80.0, 150.0, 300.0])
    level = receptor.tone_potency * model.constants.per_ug[0] * jnp.asarray(doses)
    sites = jnp.zeros((gaba_b.N_SITES, doses.size)).at[0].set(level)
    state = gaba_b.Adaptation.naive(doses.size)
    step = jax.jit(lambda now: adapt(now, sites, sites, receptor, 6.0))
    # Early on, opposition and the tolerance behind it still follow what the occupancy was before: that is what the
    # closed form leaves out (mV).
    for months, close, steps in ((6.0, 0.1, 731), (24.0, 0.03, 2191), (60.0, 0.001, 4383)):
        for _ in range(steps):
            state = step(state)
        integrated = np.asarray(gaba_b.effect(sites, state, receptor)[0])
        ours = model.legs({**BASE, "pump": doses, "months": months}).effect
        assert ours == pytest.approx(integrated, abs=close), months


# --- what it says ---


def of(model: StoryModel, key: str, **more: float) -> float:
    leg = model.legs({**BASE, **more})
    return float((leg.steady.strength if key == "strength" else getattr(leg, key))[0])


def test_what_the_story_tells_is_what_the_model_finds(model: StoryModel) -> None:
    moved = story.sliders()
    dose = moved["pump"].start
    # 3: weak and tight.
    assert of(model, "grade", lost=1.0) > of(model, "grade", lost=0.3) + 1
    assert of(model, "strength", lost=1.0) < of(model, "strength", lost=0.3) - 0.2
    # 4: limp first.
    assert of(model, "grade", weeks=0.0) == pytest.approx(1.0)
    # 5: a quick pull.
    slow, quick = moved["tone"].low, moved["tone"].high
    assert of(model, "resistance", pace=quick) > 1.8 * of(model, "resistance", pace=slow)
    assert of(model, "resistance", pace=quick, lost=0.0) < 0.2 * of(model, "resistance", pace=quick)
    # 6: sleepy more than loose.
    most = moved["mouth"].high
    assert of(model, "grade") - of(model, "grade", tablets=most) < 0.2
    assert of(model, "drowsy", tablets=most) > 0.2
    # 7: more than a thousand times less, looser, and with less hold.
    assert 1000 * model.constants.per_ug[0] / model.constants.per_mg[0] > 1000
    assert of(model, "grade", pump=dose) < of(model, "grade") - 1
    assert of(model, "support", pump=dose) < of(model, "support")
    assert of(model, "drowsy", pump=dose) < of(model, "drowsy", tablets=most) / 4
    # 8: the weak leg gives way, the strong one does not.
    weak, strong = {"lost": 0.95}, {"lost": 0.3, "answer": 2.2}
    assert of(model, "support", **weak) > 1 > of(model, "support", **weak, pump=dose)
    assert of(model, "support", **strong, pump=moved["stand"].high) > 1
    # 9 and 10: used to it; tighter than before.
    assert of(model, "grade", pump=dose, months=24.0) > of(model, "grade", pump=dose) + 0.5
    assert of(model, "grade", pump=dose, months=12.0, stopped=1.0) > of(model, "grade") + 0.15
    # 11: a little, and both sides.
    less = of(model, "grade") - of(model, "grade", lowered=0.1)
    assert 0.05 < less < 0.6
    assert of(model, "support", lowered=0.1) < of(model, "support")


class Text(HTMLParser):
    """What is read on a page, by section; lists of choices and drawings are left out."""

    _SILENT = ("svg", "style", "script", "title", "fieldset", "button", "output", "label", "summary", "h1", "h2")
    _ENDS = ("p", "li", "figcaption")

    def __init__(self) -> None:
        super().__init__()
        self.sections: dict[str, str] = {}
        self._at, self._silent = "", 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            self._at = str(dict(attrs)["id"])
        self._silent += tag in self._SILENT

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in self._SILENT
        if tag in self._ENDS and self._at in self.sections:
            self.sections[self._at] += "\n"

    def handle_data(self, data: str) -> None:
        if self._at and not self._silent:
            self.sections[self._at] = self.sections.get(self._at, "") + data


def test_a_reader_of_twelve_can_read_it(page: str) -> None:
    reader = Text()
    reader.feed(re.sub(r'<p class="aside hidden-text">.*?</p>', "", page, flags=re.S))
    steps = [reader.sections[name] for name in reader.sections if name not in ("basis", "run", "sheet")]
    assert len(steps) == story.STEPS + 1
    # A school year of the United States is an age less five.
    ages = [textstat.flesch_kincaid_grade(re.sub(r"\s+", " ", text)) + 5 for text in steps]
    assert textstat.flesch_kincaid_grade(re.sub(r"\s+", " ", " ".join(steps))) + 5 <= 11
    assert max(ages) <= 12, dict(zip(reader.sections, ages, strict=False))


def test_five_facts_stand_first_and_every_picture_has_a_caption(page: str) -> None:
    facts = page.index('id="facts"')
    assert facts < page.index('id="signal"')
    assert page[facts : page.index("</section>", facts)].count("<li>") == 5
    figures = re.findall(r"<figure.*?</figure>", page, re.S)
    assert len(figures) == 11
    for figure in figures:
        caption = re.search(r"<figcaption>(.*?)</figcaption>", figure, re.S)
        assert caption is not None
        assert len(caption[1].split()) > 8
        assert "<svg" in figure


def test_no_dose_is_advised_and_danger_is_said(page: str) -> None:
    text = html.unescape(re.sub(r"<[^>]+>", " ", page))
    assert "It tells nobody which dose to take" in text
    assert "Research and teaching only" in text
    assert not re.search(r"you (?:should|must|can) (?:take|use) \d", text, re.I)
    assert "µg" not in text
    danger = re.search(r'<p class="danger"[^>]*>(.*?)</p>', page, re.S)
    assert danger is not None
    assert "emergency" in danger[1]
    assert "call for help" in danger[1]


def test_it_loads_nothing_and_its_policy_knows_its_script(page: str) -> None:
    assert not re.findall(r'(?:src|href)="(?!#|https://doi\.org/)[^"]*"', page)
    digest = base64.b64encode(hashlib.sha256(script_of(page).encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert f"script-src 'sha256-{digest}'" in html.unescape(policy[1])
    assert "default-src 'none'" in html.unescape(policy[1])


def test_without_scripts_pictures_stand_finished_and_no_dead_button_is_shown(page: str) -> None:
    for name in story.sliders():
        step = page[page.index(f'data-step="{name}"') :]
        drawn = re.findall(r"<g data-line=.*?<path d=\"([^\"]*)\"", step[: step.index("</section>")], re.S)
        assert drawn
        assert all(path.count(" ") > 1 for path in drawn), name
    outside = re.sub(r'<div class="slide live">.*?</div>\s*<p class="now".*?</div>', "", page, flags=re.S)
    outside = re.sub(r'<p class="live">.*?</p>', "", outside, flags=re.S)
    assert "<button" not in outside
    assert ".live { display: none; }" in page


def test_every_slider_has_buttons_and_a_name(page: str) -> None:
    blocks = re.findall(r'<div class="slide live">.*?<p class="now"', page, re.S)
    assert len(blocks) == len(story.sliders())
    for block in blocks:
        assert block.count("<button") == 2
        assert re.search(r'<label for="slider-\w+">\S', block)


def test_the_command_writes_one_file_or_says_why_not(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("story", "--out", "mine.html") == 0
    assert "mine.html" in capsys.readouterr().out
    assert Path("mine.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in folder.iterdir()] == ["mine.html"]
    assert run("story", "--out", "no/folder/mine.html") == 2
    assert "Allowed: " in capsys.readouterr().err
