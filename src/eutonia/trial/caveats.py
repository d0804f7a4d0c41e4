"""What a reader has to know of a result before believing it, where the model is known to fall short."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.kinetics.geometry import CordSegment, SpinalGeometry
from eutonia.study.design import CaseStudy, TrialStudy
from eutonia.study.other_uses import quotations, use_of
from eutonia.study.rescue import rescues_of
from eutonia.study.titration import StopTitration

#: How it begins that the options of a case are not in a run of it.
WITHOUT_OPTIONS = "This is the case without its options"


def caveats(study: TrialStudy | CaseStudy) -> tuple[str, ...]:
    """Return the caveats that concern a study, as sentences."""
    more = (
        *_background(study),
        *_unmasked(study),
        *_rescued(study),
        *options_left_out(study),
        *_arm_below_the_neck(study),
    )
    use = use_of(study) if isinstance(study, CaseStudy) else None
    other = () if use is None else (use.why, *quotations(use))
    return (*other, *_overdose(study), *_of_treatments(study), *_stopped_soon(study), *_apart(study), *more)


def is_overdose(dose_mg: float) -> bool:
    """Whether so much at once has brought coma, delirium and seizures."""
    with parameters.unrecorded():
        return dose_mg >= parameters.load("adverse").value("overdose_dose_oral", "mg")


def _overdose(study: TrialStudy | CaseStudy) -> Iterable[str]:
    """Yield what so much at once has done to people, of which the model has nothing."""
    if not isinstance(study, CaseStudy):
        return
    largest = max((float(event.dose_mg) for event in study.events if event.kind == "tablets"), default=0.0)
    if is_overdose(largest):
        least = parameters.load("adverse").value("overdose_dose_oral", "mg")
        source = parameters.load("adverse")["overdose_dose_oral"].source
        yield (
            f"{largest:g} mg are taken at once: from {least:g} mg on coma, delirium and seizures were seen ({source}). "
            "None of these is in the model, nor is breathing: the hazard of drowsiness goes on in a straight line, and "
            "tells too little. Such a dose is an emergency."
        )


def _of_treatments(study: TrialStudy | CaseStudy) -> tuple[str, ...]:
    """Return what the treatments themselves say of how far to believe them, each once."""
    arms = () if isinstance(study, CaseStudy) else study.arms
    rescues = () if isinstance(study, CaseStudy) else rescues_of(study.phases)
    given = study.treatments if isinstance(study, CaseStudy) else [one for arm in arms for one in arm.treatments]
    given = [*given, *rescues]
    return tuple(dict.fromkeys(one.caveat for one in given if one.caveat))


def _stopped_soon(study: TrialStudy | CaseStudy) -> Iterable[str]:
    """Yield which arm takes a drug away sooner than a label would."""
    with parameters.unrecorded():
        least_h = parameters.load("label_dosing").value("taper_time", "day") * HOURS_A_DAY
    for arm in () if isinstance(study, CaseStudy) else study.arms:
        if isinstance(arm.titration, StopTitration) and arm.titration.over_h < least_h:
            taken = f"over {arm.titration.over_h.text}" if arm.titration.over_h > 0 else "at once"
            yield (
                f"{arm.name} takes the drug away {taken}: labels have it tapered, that of the pump over "
                f"{least_h / HOURS_A_DAY:g} days or more. Of withdrawal a rebound of tone and spasms is all that "
                "scores here; fever, delirium and seizures are left out."
            )


def _unmasked(study: TrialStudy | CaseStudy) -> Iterable[str]:
    """Yield what knowing the treatment would do to scores, where arms are compared and it is known."""
    for phase in () if isinstance(study, CaseStudy) else study.phases:
        if phase.design != "single" and phase.masking != "double blind":
            yield (
                f"The phase {phase.name} is {phase.masking}, and its scores are those of a double-blind one: what "
                "people expect and raters hope for is the same in all arms here. Arms of real open trials differ more."
            )


def _rescued(study: TrialStudy | CaseStudy) -> Iterable[str]:
    """Yield who is given rescue, and that scores hold what it does."""
    for phase in () if isinstance(study, CaseStudy) else study.phases:
        if phase.rescue is not None:
            yield (
                f"Rescue in the phase {phase.name}: {phase.rescue.said}, in every arm and as the drug. Scores after it "
                "are those that are seen; how it counts in a comparison, the comparison says."
            )


def options_left_out(study: TrialStudy | CaseStudy) -> Iterable[str]:
    """Yield that the options of a case are not in a run of it."""
    if isinstance(study, CaseStudy) and study.options:
        names = ", ".join(one.name for one in study.options)
        yield f"{WITHOUT_OPTIONS} ({names}): eutonia compare {study.word} lays them beside it."


def _background(study: TrialStudy | CaseStudy) -> Iterable[str]:
    """Yield that people who come with a drug were chosen, and weighted to entry scores, as if they did not."""
    arms = () if isinstance(study, CaseStudy) else study.arms
    if any(one.since_h < 0 for arm in arms for one in arm.treatments):
        yield (
            "People come with a drug, and entry criteria and entry scores are those of the same people without it: at "
            "the first visit they score a little less. What stopping it does is in the scores."
        )


def _apart(study: TrialStudy | CaseStudy) -> Iterable[str]:
    """Yield what is not carried from one phase of a trial to a later one."""
    phases = () if isinstance(study, CaseStudy) else study.phases
    for earlier, later in pairwise(phases):
        lasting = [one for arm in earlier.arms if not arm.placebo for one in arm.treatments]
        if any(one.lasts or one.outlasts_h for one in lasting):
            yield (
                f"The phase {later.name} begins without what was given in {earlier.name}: neither what is left of it "
                "nor tolerance nor withdrawal is carried over."
            )


def _arm_below_the_neck(study: TrialStudy | CaseStudy) -> tuple[str, ...]:
    below_neck = [tip for tip in _tips(study) if SpinalGeometry.from_records().segment_at(tip) < CordSegment.CERVICAL]
    if "arm" not in study.assessment.limbs or not below_neck:
        return ()
    share = parameters.load("receptor").value("leg_to_arm", "1")
    return (
        f"The arm under a catheter with its tip at {' or '.join(dict.fromkeys(below_neck))}: little drug reaches the "
        f"arm's part of the cord, and most of the arm's relief is a share ({share:.2f}) of the leg's effect, fitted to "
        "test boluses by lumbar puncture. So a lower tip, which gives the leg more, can relieve the arm more too, "
        "although less drug reaches it. Do not compare tips below the neck by what they do for the arm.",
    )


def _tips(study: TrialStudy | CaseStudy) -> Iterable[str]:
    """Yield the levels of the catheter tips of a study."""
    if isinstance(study, CaseStudy):
        yield from () if study.tip is None else (study.tip,)
        return
    for one in (one for phase in study.phases for arm in phase.arms if not arm.placebo for one in arm.treatments):
        if (tip := one.where_tip) is not None:
            yield tip
