"""What people expect: whoever feels a reaction takes it for the drug, and their scores change more without any drug.

Equation
    s_i = s f  where a reaction has come to person i in this arm by then, else  s u
with s the change of the latent grade that attention, care and hope bring in a trial, and f and u of the study.
Assumptions: every reaction is taken for the drug, also one that would have come anyway; what people expect moves what
attention and hope move, and nothing else; raters know nothing.
Not for: open phases, in which everybody knows what they are given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eutonia.study.fields import NotNegative, Part, described
from eutonia.study.studyfile import Key, Problem

if TYPE_CHECKING:
    from eutonia.study.parts import Assessment, Phase


class Unblinding(Part):
    """The table [phase.unblinding]: how the change without a drug effect goes with what people feel."""

    felt: NotNegative = described("Change without a drug effect of who has had a reaction, as a multiple of the usual.")
    unfelt: NotNegative = described("The same of who has had none so far.")


def unblinding_problems(phase: Phase, assessment: Assessment, where: Key) -> Iterator[Problem]:
    """Yield why nobody could be unblinded in a phase that says how."""
    if phase.unblinding is None:
        return
    at, do = (*where, "unblinding"), "Correct it, or remove the table."
    if phase.masking == "open":
        yield Problem(at, "Everybody knows what they are given.", "open", 'masking = "double blind"', do=do)
    if not phase.nonspecific:
        yield Problem(at, "No score changes without a drug effect.", "nonspecific = false", "nonspecific = true", do=do)
    if "adverse" not in assessment.scales:
        yield Problem(at, "No reaction is watched for.", ", ".join(assessment.scales), 'scales with "adverse"', do=do)
