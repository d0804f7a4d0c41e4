"""The story for survivors and students: one file that opens offline, step by step from the signal to a plan.

Every number in its prose is computed here; charts show the whole range of a slider, so the page reads without scripts.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from eutonia import _writing, parameters
from eutonia.report import basis, page, words
from eutonia.report.drawing.svg import Drawing
from eutonia.report.story.figures import (
    DROWSY,
    GRADE,
    RESISTANCE,
    STRENGTH,
    SUPPORT,
    StoryLine,
    StoryStrip,
    chain,
    chart,
)  # fmt: skip
from eutonia.report.story.leg import StoryModel, StorySlider
from eutonia.trial.record import repeat, run_record

#: Of how many people one has a cord that answers as strongly as that of the story, and its standard normal deviate.
_ONE_OF, _ANSWER = 20, 1.6449
# Whose leg: a label and a deviate of the answer of the cord.
_ANSWERS = (("The middle one of all people", 0.0), ("1 of 10 people: the cord answers more strongly", 1.2816),
            (f"1 of {_ONE_OF} people: it answers very strongly", _ANSWER))  # fmt: skip
_PERSON = {"lost": 0.85, "answer": _ANSWER}
_BASE: dict[str, float] = {
    **_PERSON, "weeks": 52.0, "lowered": 0.0, "tablets": 0.0, "pump": 0.0, "months": 0.0, "stopped": 0.0, "pace": 1.0,
}  # fmt: skip
_DOSE = 110.0
_LABELS = {
    "stroke": ("How much of the paths is cut", 100.0, "%", 10),
    "weeks": ("Weeks since the stroke", 1.0, "weeks", 2),
    "tone": ("How quickly it is bent", 100.0, "% of a doctor's speed", 2),
    "mouth": ("Tablets a day, all together", 1.0, "mg", 2),
    "pump": ("The pump gives a day", 1.0, "mcg", 5),
    "stand": ("The pump gives a day", 1.0, "mcg", 5),
    "used": ("Months on the same dose", 1.0, "months", 3),
    "dry": ("Months on the pump before it stops", 1.0, "months", 3),
    "own": ("The own signal is turned down by", 100.0, "%", 5),
}
STEPS = 12


def sliders() -> dict[str, StorySlider]:
    """Return what may be moved in each step; where a record sets an end, it is read."""
    most_mg = parameters.load("label_dosing").value("oral_highest_daily", "mg/day")
    most_own = parameters.load("learning").value("conditioning_reduction", "1")
    return {
        "stroke": StorySlider("lost", 0.0, 1.0, 0.01, _PERSON["lost"]),
        "weeks": StorySlider("weeks", 0.0, 52.0, 1.0, 12.0),
        "tone": StorySlider("pace", 0.05, 1.5, 0.05, 1.0),
        "mouth": StorySlider("tablets", 0.0, most_mg, 5.0, 40.0),
        "pump": StorySlider("pump", 0.0, 300.0, 10.0, _DOSE),
        "stand": StorySlider("pump", 0.0, 300.0, 10.0, _DOSE),
        "used": StorySlider("months", 0.0, 36.0, 1.0, 12.0),
        "dry": StorySlider("months", 0.0, 36.0, 1.0, 12.0),
        "own": StorySlider("lowered", 0.0, most_own, 0.01, 0.10),
    }


def figures(model: StoryModel, moved: Mapping[str, StorySlider]) -> dict[str, Drawing]:
    """Return the picture of every step, finished."""

    def over(step: str, strips: tuple[StoryStrip, ...], more: Mapping[str, Any], *lines: StoryLine) -> Drawing:
        across = (_across(step), _LABELS[step][1])
        return chart(
            model, f"step-{step}", moved[step], across, strips, {**_BASE, **more}, lines or (StoryLine("", {}),)
        )

    healthy = StoryLine("a healthy leg", {"lost": 0.0, "own": 1.0}, "dashed", "placebo")
    people = (
        StoryLine("a strong leg", {"lost": 0.3, "answer": 2.2, "own": 1.0}),
        StoryLine("a weak leg", {"lost": 0.95, "answer": _ANSWER, "own": 1.0}, "dashed", "third"),
    )
    held: dict[str, Any] = {"pump": _DOSE, "dose_of": "pump"}
    stopped = (
        StoryLine("just after the stop", {"stopped": 1.0}),
        StoryLine("without any drug", {"stopped": 1.0, "pump": 0.0, "dose_of": 0.0}, "dashed", "placebo"),
    )
    signal = "Signal and damping from the brain through the cord to the muscle."
    return {
        "signal": chain(1.0, "chain-whole", signal),
        "damping": chain(0.0, "chain-cut", f"{signal} The damping is cut; too much reaches the muscle."),
        "stroke": over("stroke", (GRADE, STRENGTH), {}),
        "weeks": over("weeks", (GRADE,), {}),
        "tone": over("tone", (RESISTANCE,), {}, StoryLine("the tight leg", {}), healthy),
        "mouth": over("mouth", (GRADE, SUPPORT, DROWSY), {}),
        "pump": over("pump", (GRADE, SUPPORT, DROWSY), {}),
        "stand": over("stand", (GRADE, SUPPORT), {}, *people),
        "used": over("used", (GRADE, SUPPORT), held),
        "dry": over("dry", (GRADE,), held, *stopped),
        "own": over("own", (GRADE, SUPPORT), {}),
    }


def said(model: StoryModel, moved: Mapping[str, StorySlider]) -> dict[str, str]:
    """Return every number of the prose, as words."""

    def of(key: str, **more: float) -> float:
        return float(getattr(model.legs({**_BASE, **more}), key)[0])

    c = model.constants
    weeks = np.linspace(0.0, 52.0, 521)
    grown = model.legs({**_BASE, "weeks": weeks}).signal
    learned, sessions = parameters.load("learning").values(conditioning_success="1", conditioning_sessions="1")
    return {
        "middle": f"{of('grade', lost=1.0, answer=0.0):.1f}",
        "most": f"{of('grade', lost=1.0):.1f}",
        "one_of": str(_ONE_OF),
        "half_weeks": f"{weeks[np.searchsorted(grown, grown[-1] / 2)]:.0f}",
        "mouth_before": f"{of('grade'):.2f}",
        "mouth_after": f"{of('grade', tablets=moved['mouth'].high):.2f}",
        "mouth_drowsy": f"{100 * of('drowsy', tablets=moved['mouth'].high):.0f}",
        "span_weeks": f"{model.drowsy['span_h'] / 168.0:.0f}",
        "less_drug": f"{1000.0 * c.per_ug[0] / c.per_mg[0]:,.0f}".replace(",", " ")[:-2] + "00",
        "leg_to_brain": f"{c.per_ug[0] / c.per_ug[1]:.0f}",
        "own_before": f"{of('grade'):.1f}",
        "own_after": f"{of('grade', lowered=0.1):.1f}",
        "learn": f"{10 * learned:.0f}",
        "sessions": f"{sessions:.0f}",
    }


def script(model: StoryModel) -> str:
    """Return the script of the page: numbers from the records, the model in plain JavaScript, and what moves it."""
    shown_as = {
        GRADE.key: ("tightness", 1, " of 5"),
        SUPPORT.key: ("hold", 1, ""),
        DROWSY.key: ("sleepy", 0, " of 100"),
        STRENGTH.key: ("strength", 0, " %"),
        RESISTANCE.key: ("it pulls back", 0, " %"),
    }
    about = {
        "person": _PERSON,
        "words": {key: one[0] for key, one in shown_as.items()},
        "digits": {key: one[1] for key, one in shown_as.items()},
        "units": {key: one[2] for key, one in shown_as.items()},
    }
    parts = ('"use strict";', f"const K = {model.for_page()};", f"const PAGE = {json.dumps(about)};")
    return words.clinic("\n".join((*parts, *(_file(name) for name in ("story_model.js", "story_page.js")))))


def html(home: str | None = None) -> str:
    """Return the whole story as one text with everything inside; it loads nothing. `home` is where a server begins."""
    began = time.perf_counter()
    with parameters.recording() as used:
        model, moved = StoryModel.from_records(), sliders()
        drawn, told = figures(model, moved), said(model, moved)
        run = run_record(None, "", used, time.perf_counter() - began, command=repeat("story"))
    code = script(model)
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return page.render(
        "story.html.jinja",
        basis.of_run(run, str(run["command"]))
        | {
            "figures": drawn,
            "said": told,
            "sliders": {step: _control(step, one) for step, one in moved.items()},
            "answers": [{"label": label, "value": at, "chosen": at == _ANSWER} for label, at in _ANSWERS],
            "count": STEPS,
            "home": home,
            "script": Markup(code),
            "script_hash": f"sha256-{digest}",
            "has_arms": False,
            "left_out": 0,
        },
    )


def write(file: str | os.PathLike[str]) -> Path:
    """Write the story as one file, whole or not at all, and return it.

    Raises
    ------
    EutoniaError
        If the file cannot be written.
    """
    target = _writing.check_file(file)
    return _writing.write_file(target, lambda draft: draft.write_text(html(), encoding="utf-8"))


def _control(step: str, one: StorySlider) -> dict[str, Any]:
    label, factor, unit, jump = _LABELS[step]
    return {
        "label": label,
        "low": one.low,
        "high": one.high,
        "step": one.step,
        "start": one.start,
        "factor": factor,
        "unit": unit,
        "jump": jump,
        "shown": f"{factor * one.start:.0f} {unit}",
        "person": one.key if one.key in _PERSON else "",
    }


def _across(step: str) -> str:
    label, _, unit, _ = _LABELS[step]
    return label if unit in label.lower() else f"{label}, {unit}"


def _file(name: str) -> str:
    return (Path(__file__).parents[1] / "templates" / name).read_text(encoding="utf-8")
