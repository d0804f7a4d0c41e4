"""What a fit does not tell, in plain words, and what to record to learn it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eutonia import parameters
from eutonia.inference.sample import Sample

if TYPE_CHECKING:
    from eutonia.inference.stretch_fit import Estimate, Part

_REFLEX = ("threshold", "velocity_sensitivity", "gain")
# A reflex below this share of the whole resistance took no part: a threshold for words.
_SILENT = 0.03
# Weights of draws are trusted below this index (Pareto-smoothed importance sampling).
_TRUSTED, _FEW = 0.7, 40.0
_TOGETHER = {
    frozenset(("threshold", "velocity_sensitivity")): "an early threshold and a high sensitivity to speed bring the reflex on at the same moment",
    frozenset(("threshold", "gain")): "a reflex that begins early and one that grows steeply reach the same torque",
    frozenset(("velocity_sensitivity", "gain")): "a reflex that speed brings on early and one that grows steeply reach the same torque",
    frozenset(("gain", "depression")): "a weaker reflex and one that tires faster give the same torque",
    frozenset(("background", "stiffness")): "steady tone and stiff tissue hold the limb alike",
    frozenset(("stiffness", "slack_angle")): "tissue that is stiff late and tissue that is soft early hold the limb alike",
    frozenset(("background", "slack_angle")): "steady tone and short tissue hold the limb alike",
    frozenset(("gain", "damping")): "a reflex that follows speed and damping brake alike",
    frozenset(("velocity_sensitivity", "damping")): "a reflex that follows speed and damping brake alike",
}  # fmt: skip


def words(
    test: str,
    estimates: Sequence[Estimate],
    pairs: Sequence[tuple[str, str, float]],
    parts: Sequence[Part],
    speeds: Sequence[float],
    likeness: float,
    drawn: Sample,
) -> tuple[str, ...]:
    """Return sentences on what the recording cannot determine, and on what to doubt."""
    of = {estimate.name: estimate for estimate in estimates}
    reflex = next(part for part in parts if part.name == "reflex")
    out = []
    silent = reflex.share < _SILENT
    if silent:
        out.append(_silent(of, test))
    open_ones = [e for e in estimates if e.is_asked and e.determined == "no" and not (silent and e.name in _REFLEX)]
    if open_ones:
        out.append(f"Not determined: {_listed([_lower(e.label) for e in open_ones])}. What is printed is what was believed before.")
    for one, other, alike in pairs[:3]:
        why = _TOGETHER.get(frozenset((one, other)), "a change of one is made up for by the other")
        out.append(
            f"This recording cannot tell {_lower(of[one].label)} from {_lower(of[other].label)} (correlation {alike:+.2f}): {why}. "
            "Their combination is known better than either."
        )
    if test == "ramp" and not silent and _one_speed(speeds):
        out.append(
            "One speed of stretch cannot part the threshold from its sensitivity to speed: give stretches at two or more "
            "speeds together."
        )
    if test == "pendulum":
        out.append(
            "A swing tells torques only relative to the weight of the segment, which is taken from the body table; its "
            "error is in the intervals."
        )
    out += _doubts(likeness, drawn)
    return tuple(out)


def _silent(of: dict[str, Estimate], test: str) -> str:
    low = of["threshold"].low
    do = "Stretch further or faster." if test == "ramp" else "A leg this relaxed needs a faster stretch to show its reflex."
    return (
        f"The stretch reflex took next to no part: threshold, velocity sensitivity and gain cannot be told, only that the "
        f"threshold lies above about {low:.0f} deg. {do}"
    )


def _doubts(likeness: float, drawn: Sample) -> list[str]:
    out = []
    if likeness > parameters.load("inference").value("odd_residuals_above"):
        out.append(
            "The errors of neighbouring samples are alike: the model misses part of the course, or the sensor is slow. "
            "Look at the picture; intervals hold only as far as the model does."
        )
    if drawn.pareto > _TRUSTED or drawn.effective < _FEW:
        out.append(
            f"The search for what else would explain the recording was hard ({drawn.effective:.0f} draws count): take the "
            "intervals as rough."
        )
    return out


def _one_speed(speeds: Sequence[float]) -> bool:
    # Speeds within a quarter of one another are one speed.
    return max(speeds) < 1.25 * min(speeds)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
