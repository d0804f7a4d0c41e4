"""What a fit does not tell, in plain words, and what to record to learn it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eutonia import parameters

if TYPE_CHECKING:
    from eutonia.inference.agreement import Agreement
    from eutonia.inference.sample import Sample
    from eutonia.inference.stretch_fit import Estimate, ResistancePart

_REFLEX = ("threshold", "velocity_sensitivity", "gain")
# A reflex below this share of the whole resistance took no part: a threshold for words.
_SILENT = 0.03
# Speeds within a quarter of one another are one speed; so many pairs are named.
_ALIKE, _MOST_PAIRS = 1.25, 3
# Weights of draws are trusted below this index (Pareto-smoothed importance sampling) and with so many that count.
_TRUSTED, _FEW = 0.7, 40.0
_WHY = {
    (
        "threshold",
        "velocity_sensitivity",
    ): "a low threshold and a high sensitivity to speed bring the reflex on together",
    ("threshold", "gain"): "a reflex that begins early and one that grows steeply reach the same torque",
    ("velocity_sensitivity", "gain"): "a reflex that begins early and one that grows steeply reach the same torque",
    ("gain", "depression"): "a weak reflex and a strong one that tires give the same torque",
    ("background", "stiffness"): "steady tone and stiff tissue hold the limb alike",
    ("stiffness", "slack_angle"): "tissue stiff late and tissue soft early hold the limb alike",
    ("background", "slack_angle"): "steady tone and short tissue hold the limb alike",
    ("gain", "damping"): "a reflex that follows speed and damping brake alike",
    ("velocity_sensitivity", "damping"): "a reflex that follows speed and damping brake alike",
}


def words(
    estimates: Sequence[Estimate],
    pairs: Sequence[tuple[str, str, float]],
    parts: Sequence[ResistancePart],
    speeds: Sequence[float],
    drawn: Sample,
) -> tuple[str, ...]:
    """Return sentences on what the recording cannot determine, and on what to doubt; a pendulum test has no speeds."""
    of = {estimate.name: estimate for estimate in estimates}
    faint = next(part.share for part in parts if part.name == "reflex") < _SILENT
    untold = [of[name] for name in _REFLEX if of[name].determined != "yes"] if faint else []
    silent = bool(untold)
    out = [_silent(untold, of["threshold"].low)] if silent else []
    left = [e for e in estimates if e.is_asked and e.determined == "no" and not (silent and e.name in _REFLEX)]
    if left:
        names = " and ".join(_lower(e.label) for e in left)
        out.append(f"Not determined: {names}. What is printed is little more than what was believed before.")
    out += [_pair(of, *pair) for pair in pairs[:_MOST_PAIRS]]
    parted = not any(set(pair[:2]) == set(_REFLEX[:2]) for pair in pairs)
    if speeds and not silent and not parted and max(speeds) < _ALIKE * min(speeds):
        out.append("Stretches at two or more speeds, given together, part the threshold from its sensitivity to speed.")
    if not speeds:
        out.append(
            "A swing tells torques only relative to the weight of the segment, which is taken from the body table; its "
            "error is in the intervals."
        )
    return (*out, *_doubts(drawn))


def _pair(of: dict[str, Estimate], one: str, other: str, alike: float) -> str:
    why = _WHY.get((one, other), "a change of one is made up for by the other")
    first, second = of[one], of[other]
    if all(number.determined == "yes" for number in (first, second) if number.is_asked):
        head = f"{first.label} and {_lower(second.label)} are known together better than apart"
    else:
        head = f"This recording cannot tell {_lower(first.label)} from {_lower(second.label)}"
    return f"{head} (correlation {alike:+.2f}): {why}."


def _silent(untold: Sequence[Estimate], low: float) -> str:
    names = ", ".join(_lower(estimate.label) for estimate in untold)
    return (
        f"The stretch reflex took next to no part, so it is not told or hardly told: {names}. The threshold lies above "
        f"about {low:.0f} deg; a faster or longer stretch would show more."
    )


def _doubts(drawn: Sample) -> list[str]:
    out = []
    if drawn.pareto > _TRUSTED or drawn.effective < _FEW:
        out.append(
            f"The search for what else would explain the recording was hard ({drawn.effective:.0f} draws count): take "
            "the intervals as rough."
        )
    return out


def agrees(fits: Agreement, estimates: Sequence[Estimate], unit: str, *, is_cut: bool) -> tuple[str, ...]:
    """Return sentences on how the fit lies to the recording; they come before what it says of the limb."""
    out = []
    if not fits.holds:
        out.append(
            f"The fit misses the recording: it is off by {fits.rms:.2g} {unit} (rms; {fits.most:.2g} can be noise "
            f"and error of the model), by up to {fits.largest:.2g} {unit}, and {fits.inside:.0%} of the samples lie "
            "inside its 95% band. Nothing counts as determined. Was the limb helped, held or moved by its owner, and "
            "are body size and joint right?"
        )
    if is_cut:
        out.append(
            "The release is missing: the limb moves already at the first sample. Angle and time of release were "
            "reckoned back, with their doubt; record from before the limb is let go."
        )
    limit = parameters.load("inference").value("prior_left_beyond", "1")
    # Noise below what was expected is no news.
    gone = [e for e in estimates if abs(e.left) > limit and not (e.name.endswith("_noise") and e.left < 0.0)]
    if gone:
        names = ", ".join(f"{_lower(e.label)} ({e.left:+.1f} SD)" for e in gone)
        out.append(
            f"Far from what was known before: {names}. The body may differ from the tables (a child, another size), or "
            "the number makes up for something that the model lacks."
        )
    return tuple(out)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
