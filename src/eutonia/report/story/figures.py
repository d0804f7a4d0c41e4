"""Pictures of the story: the chain from brain to muscle, and charts of the whole range of a slider.

A chart is finished here, so that it stands without scripts and in print. Groups that carry `data-line` and `data-dot`
are redrawn by `templates/story_page.js` when a reader moves something.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from eutonia.report.drawing.plot import Panel, Sheet
from eutonia.report.drawing.scales import shown, ticks
from eutonia.report.drawing.svg import Drawing
from eutonia.report.story.leg import StoryLeg, StoryModel, StorySlider

Points = Float[np.ndarray, " point"]

_POINTS = 61
_WIDE, _NARROW = 660, 330
_PANEL, _GAP, _TOP = 104, 52, 28


@dataclass(frozen=True)
class StoryStrip:
    """One strip of a chart: what it shows, its name, the scale up, a factor to the printed number, and its colour."""

    key: str
    name: str
    low: float
    high: float
    factor: float = 1.0
    token: str = "leg"
    rule: float | None = None
    rule_name: str = ""


@dataclass(frozen=True)
class StoryLine:
    """One line of a strip: its name where there are several, and the settings in which it differs."""

    name: str
    settings: Mapping[str, float]
    dash: str = "solid"
    token: str = ""


GRADE = StoryStrip("grade", "How tight: 1 is normal, 5 is rigid", 1.0, 5.0, token="leg")
SUPPORT = StoryStrip(
    "support", "How well the leg carries", 0.0, 2.0, token="active", rule=1.0, rule_name="below this line it gives way"
)
DROWSY = StoryStrip("drowsy", "Made sleepy by the drug, of 100 people", 0.0, 100.0, 100.0, "brain")
STRENGTH = StoryStrip("strength", "Strength that is left, %", 0.0, 100.0, 100.0, "active")
RESISTANCE = StoryStrip("resistance", "How hard the leg pulls back, % of its most", 0.0, 50.0, 100.0, "leg")


def chart(
    model: StoryModel,
    name: str,
    slider: StorySlider,
    across: tuple[str, float],
    strips: Sequence[StoryStrip],
    base: Mapping[str, float],
    lines: Sequence[StoryLine] = (StoryLine("", {}),),
) -> Drawing:
    """Return strips over the whole range of a slider, for a wide page and for a phone.

    `across` names the scale across and has its factor to the printed number; `base` are the settings of everybody.
    """
    x = np.linspace(slider.low, slider.high, _POINTS)
    found = [(line, model.legs({**base, **line.settings, slider.key: x})) for line in lines]
    now = [model.legs({**base, **line.settings, slider.key: slider.start}) for line in lines]

    def drawn(width: int) -> Any:
        return _sheet(f"{name}-{width}", width, slider, across, strips, base, found, now)

    words = "; ".join(_told(strip, line, leg, slider, across) for strip in strips for line, leg in found)
    return Drawing(title=name, words=words, wide=drawn(_WIDE), narrow=drawn(_NARROW))


def value(leg: StoryLeg, strip: StoryStrip) -> Points:
    """Return what a strip shows of legs, in printed numbers."""
    part = leg.steady.strength if strip.key == "strength" else getattr(leg, strip.key)
    return strip.factor * np.asarray(part)


def _told(strip: StoryStrip, line: StoryLine, leg: StoryLeg, slider: StorySlider, across: tuple[str, float]) -> str:
    values = value(leg, strip)
    who = f" ({line.name})" if line.name else ""
    ends = shown([across[1] * slider.low, across[1] * slider.high])
    return (
        f"{strip.name}{who}: {values[0]:.1f} where {across[0][:1].lower()}{across[0][1:]} is {ends[0]}, "
        f"{values[-1]:.1f} where it is {ends[1]}"
    )


def _sheet(
    name: str,
    width: int,
    slider: StorySlider,
    across: tuple[str, float],
    strips: Sequence[StoryStrip],
    base: Mapping[str, float],
    found: Sequence[tuple[StoryLine, StoryLeg]],
    now: Sequence[StoryLeg],
) -> Any:
    size = 13.0
    height = _TOP + len(strips) * (_PANEL + _GAP) - 4
    sheet = Sheet(name, width, height, size)
    left, right = 40, width - 14
    ends = (across[1] * slider.low, across[1] * slider.high)
    for row, strip in enumerate(strips):
        top = _TOP + row * (_PANEL + _GAP)
        sheet.text(8, top - 14, strip.name, bold=True)
        panel = sheet.panel((left, top, right - left, _PANEL), ends, (strip.low, strip.high))
        up = ticks(strip.low, strip.high, 4)
        panel.scale_up(up)
        if strip.rule is not None:
            panel.line(list(ends), [strip.rule, strip.rule], "does-not", 1.5, "dashed")
            sheet.text(right, panel.bottom - 10, strip.rule_name, "does-not", size=12, anchor="end")
        for (line, leg), here in zip(found, now, strict=True):
            _moving(sheet, panel, slider, across, strip, base, line, (leg, here))
        is_last = row == len(strips) - 1
        at = ticks(*ends, 5 if width == _WIDE else 4)
        panel.floor(at, shown(at), across[0] if is_last else "")
    return sheet.finish(name, "A chart; the words beneath it say what it shows.")


def _moving(
    sheet: Sheet,
    panel: Panel,
    slider: StorySlider,
    across: tuple[str, float],
    strip: StoryStrip,
    base: Mapping[str, float],
    line: StoryLine,
    legs: tuple[StoryLeg, StoryLeg],
) -> None:
    """Draw a line and where the reader stands on it, in groups that the page can draw anew."""
    about = {
        "key": strip.key,
        "name": line.name,
        "factor": strip.factor,
        "slider": slider.key,
        "range": [slider.low, slider.high],
        "base": {**base, **line.settings},
        "box": [panel.left, panel.top, panel.width, panel.height],
        "y": [strip.low, strip.high],
    }
    told = json.dumps(about).replace("'", "&#39;").replace("<", "&lt;")
    x = across[1] * np.linspace(slider.low, slider.high, _POINTS)
    token = line.token or strip.token
    sheet.parts.append(f"<g data-line='{told}'>")
    panel.line(x, np.clip(value(legs[0], strip), strip.low, strip.high), token, 2.6, line.dash)
    sheet.parts.append("</g><g data-dot>")
    here = np.clip(value(legs[1], strip), strip.low, strip.high)
    panel.marks([across[1] * slider.start], here, "o", token, 9)
    sheet.parts.append("</g>")


def chain(damping: float, name: str, words: str) -> Drawing:
    """Return brain, cord and muscle with the two paths between them; of the damping path a share is left."""
    sheet = Sheet(name, _NARROW, 292, 14)
    for top, text in ((18, "Brain"), (126, "Spinal cord"), (236, "Muscle")):
        sheet.box(85, top, 160, 40, "grid", corner=10)
        sheet.text(165, top + 20, text, anchor="middle", bold=True)
    sheet.stroke("M125 62V120M119 112L125 122L131 112", "leg", 4)
    sheet.text(112, 92, "signal", "leg", anchor="end", bold=True)
    is_cut = damping < 1
    look = {"opacity": 0.3, "dash": "dashed"} if is_cut else {}
    sheet.stroke("M205 62V116M196 120H214", "active", 4, **look)  # type: ignore[arg-type]
    sheet.text(220, 92, "damping", "active", bold=True)
    if is_cut:
        sheet.stroke("M193 80L217 104M217 80L193 104", "does-not", 4)
    thick = 9 if is_cut else 4
    sheet.stroke("M165 170V226M156 216L165 230L174 216", "leg", thick)
    sheet.text(185, 200, "too strong" if is_cut else "just right", "does-not" if is_cut else "leg", bold=True)
    return Drawing(title=name, words=words, wide=sheet.finish(name, words))
