"""How a trial says that it will be analysed: endpoints, estimands, methods, and the errors that are allowed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from eutonia.assessment.scales import SCALES, Scale
from eutonia.statistics.names import Structure
from eutonia.study.endpoint import IMPORTANT, important_fits
from eutonia.study.factorial import endpoint_problems
from eutonia.study.fields import Flag, Hours, MuscleName, Name, Part, Positive, ScaleName, described
from eutonia.study.interim_looks import InterimLooks
from eutonia.study.reestimation import Reestimation
from eutonia.study.response_adaptive import ResponseAdaptive
from eutonia.study.scales import limb_fits, on_scale
from eutonia.study.studyfile import Problem
from eutonia.study.vocabulary import LimbName

Estimand = Literal["hypothetical", "treatment policy", "composite", "while on treatment"]
Measure = Literal["change", "value", "responder", "time to improvement", "time to rescue", "time to leaving"]
AnalysisMethod = Literal[
    "MMRM", "ANCOVA", "Wilcoxon", "proportional odds", "Fisher", "time to event", "crossover", "N-of-1"
]
Multiplicity = Literal["none", "holm", "hierarchical"]
#: Methods that compare both arms in the same people.
WITHIN_PEOPLE = ("crossover", "N-of-1")
#: A scale of more values than these is measured rather than graded: proportional odds fits a cut between any two.
MOST_GRADES = 101
_BEST: dict[str, AnalysisMethod] = {
    "change": "MMRM",
    "value": "MMRM",
    "responder": "Fisher",
    "time to improvement": "time to event",
    "time to rescue": "time to event",
    "time to leaving": "time to event",
}
#: Measures that are no score: when something happened to a person.
EVENTS = ("time to rescue", "time to leaving")
#: What a measure is that is no number of each person, by the one method that suits it.
_ITS_OWN = {"Fisher": "a share of people", "time to event": "a time of each person"}


class AnalysedEndpoint(Part):
    """One endpoint: what is compared between two arms, where leaving comes in, and by which method."""

    name: Name | None = described("Its name in tables; left out, made of scale, limb and visit.", default=None)
    role: Literal["primary", "secondary"] = described("Whether the trial stands on it.", default="primary")
    phase: Name | None = described("Phase; left out, the first that suits the method.", default=None)
    arm: Name | None = described("Arm; left out, the first that is given a drug.", default=None)
    against: Name | None = described(
        "Arm that it is compared with; left out, the first placebo, or the first that starts late.", default=None
    )
    factor: Name | None = described(
        "In a factorial phase: the factor whose effect is asked for, by all people, with the other as a term.",
        default=None,
    )
    interaction: Flag = described(
        "In a factorial phase: by how much more the first factor does with the second than without it.", default=False
    )
    scale: ScaleName | None = described("Scale; left out of a time to rescue or to leaving.", default=None)
    limb: LimbName | None = described("Limb; left out for scales of the whole person.", default=None)
    muscle: MuscleName | None = described("Muscle group instead of the mean of a limb.", default=None)
    visit_h: Hours | None = described("Visit; left out, the last of the phase.", alias="visit", default=None)
    measure: Measure = described(
        "Change from the first visit, the value itself, the share of people better by `improvement`, or the time until "
        "a visit first finds them so, rescue is given, or a visit finds them gone.",
        default="change",
    )
    improvement: Positive | Literal["minimal important change"] | None = described(
        "What a responder, or a time to improvement, improves by; left out, one step of the scale, in a series "
        "of N-of-1 trials the minimal important change where there is one.",
        default=None,
    )
    estimand: Estimand = described(
        'How leaving the treatment counts: as if nobody had left ("hypothetical"), whatever came of them ("treatment '
        'policy"), as no response ("composite"), or up to then ("while on treatment"); of a time to rescue or to '
        'leaving "composite" counts leaving as that.'
    )
    rescue: Estimand | None = described(
        'How rescue counts, in the same words ("hypothetical": as if none had been given); left out, as leaving does.',
        default=None,
    )
    method: AnalysisMethod | None = described(
        "Mixed model for repeated measures, analysis of covariance, Wilcoxon with Hodges-Lehmann, proportional odds, "
        "Fisher's exact test, or log-rank with Cox's hazard ratio (time to event) of a parallel phase; "
        "differences within people of a crossover of two arms; N-of-1 in several pairs of periods; left out, MMRM, "
        "Fisher for responders, or time to event for times.",
        default=None,
    )
    covariance: Structure | None = described("Covariance of visits in an MMRM; left out, unstructured.", default=None)

    @property
    def way(self) -> AnalysisMethod:
        """The method, also where it is left out."""
        return self.method or _BEST[self.measure]

    @property
    def is_event(self) -> bool:
        """Whether it asks when something happened to people, and for no score."""
        return self.measure in EVENTS

    @property
    def rescue_way(self) -> Estimand:
        """How rescue counts, also where it is left out; where it is the event, or does not matter, as it comes."""
        return "treatment policy" if self.is_event else self.rescue or self.estimand

    @property
    def on(self) -> Scale:
        """Its scale; of what asks for an event there is none."""
        assert self.scale is not None
        return SCALES[self.scale]

    def called(self, visit: str) -> str:
        """Return its name, or one made of what it is at a visit: "leg Ashworth, change at 12 week"."""
        if self.is_event:
            return self.name or f"{self.measure} by {visit}"
        of = "responders" if self.measure == "responder" else self.measure
        what = f"{self.muscle or self.limb or ''} {self.on.label}".strip()
        asked = "interaction" if self.interaction else self.factor
        what = f"{asked}: {what}" if asked else what
        return self.name or f"{what}, {of} {'by' if self.way == 'time to event' else 'at'} {visit}"

    @property
    def design(self) -> Literal["parallel", "crossover"]:
        """The design of a phase that its method suits."""
        return "crossover" if self.way in WITHIN_PEOPLE else "parallel"

    @property
    def _grades(self) -> float:
        """How many values the scale has, if it is graded in whole numbers or finer."""
        scale = self.on
        return (scale.highest - scale.lowest) / min(scale.step, 1.0) + 1.0

    def _problems(self) -> Iterable[Problem]:
        if found := self._event():
            return found
        of_score = [] if self.is_event else [*self._on_scale(), *self._odds(), *self._rescue()]
        return [*of_score, *self._method(), *self._leaving(), *endpoint_problems(self)]

    def _event(self) -> list[Problem]:
        if not self.is_event:
            why, do = "The key scale is missing. It says: Scale.", 'Add the key scale, such as scale = "ashworth".'
            return [] if self.scale else [Problem(("scale",), why, None, do=do)]
        keys = ("scale", "limb", "muscle", "improvement", "rescue")
        why, do = f"A {self.measure} asks for no score, and rescue is no other event there.", "Remove the key."
        found = [Problem((key,), why, given, do=do) for key in keys if (given := getattr(self, key)) is not None]
        if self.measure == "time to leaving" and self.estimand != "composite":
            why, do = "Leaving is the event itself here.", 'Write estimand = "composite".'
            found.append(Problem(("estimand",), why, self.estimand, '"composite"', do=do))
        return found

    def _rescue(self) -> list[Problem]:
        """Find a way in which rescue counts that does not go with that of leaving, or with the measure."""
        given, same = self.rescue, f'"{self.estimand}"'
        if given in (None, self.estimand, "treatment policy"):
            return []
        allowed: list[Estimand] = ["treatment policy", self.estimand]
        if self.estimand != "while on treatment" and self.measure != "time to improvement":
            allowed += ["hypothetical", "composite"] if self.measure == "responder" else ["hypothetical"]
        if given in allowed:
            return []
        why = f"Beside leaving that counts as {same} a {self.measure} cannot have it so."
        told = " or ".join(f'"{one}"' for one in dict.fromkeys(allowed))
        return [Problem(("rescue",), why, given, told, do="Choose one of them, or leave the key out.")]

    def _on_scale(self) -> list[Problem]:
        assert self.scale is not None
        if self.muscle is not None:
            if not self.on.of_muscles:
                why = f"{self.scale} has no score for each muscle group."
                return [
                    Problem(("muscle",), why, self.muscle, 'limb = "leg" or "arm"', do="Write the key limb instead.")
                ]
            if self.limb is not None:
                why = "A muscle group belongs to one limb already."
                return [Problem(("limb",), why, self.limb, "limb or muscle, one of the two", do="Remove the key limb.")]
        found = limb_fits(self.scale, self.limb) if self.muscle is None else []
        if isinstance(self.improvement, float):
            found += on_scale(self.scale, self.improvement, "improvement", is_difference=True)
        return found + (important_fits(self.scale) if self.improvement == IMPORTANT else [])

    def _method(self) -> list[Problem]:
        found, own = [], _BEST[self.measure]
        if self.improvement is not None and own not in _ITS_OWN and self.way != "N-of-1":
            why, do = f'The measure "{self.measure}" has no improvement.', 'Remove it, or write measure = "responder".'
            found.append(Problem(("improvement",), why, self.improvement, do=do))
        if self.way != own and (own in _ITS_OWN or self.way in _ITS_OWN):
            others = '"MMRM", "ANCOVA", "Wilcoxon", "proportional odds", "crossover" or "N-of-1"'
            allowed = f'"{own}"' if own in _ITS_OWN else others
            why = f'The measure "{self.measure}" is {_ITS_OWN.get(own, "a number of each person")}.'
            found.append(Problem(("method",), why, self.way, allowed, do=f"Write {allowed}."))
        if self.covariance is not None and self.way != "MMRM":
            why, do = "Only a mixed model has a covariance of visits.", 'Remove the key, or write method = "MMRM".'
            found.append(Problem(("covariance",), why, self.covariance, do=do))
        return found

    def _odds(self) -> list[Problem]:
        """Find a scale whose every value would be a grade of its own."""
        found: list[Problem] = []
        if self.way == "proportional odds" and self.on.kind != "ordinal":
            why = f"{self.on.label} is measured, not graded, and each value would be a grade of its own."
            do = 'Write method = "ANCOVA" or "Wilcoxon".'
            found.append(Problem(("method",), why, self.way, '"MMRM", "ANCOVA" or "Wilcoxon"', do=do))
        grades = self._grades
        if self.way == "proportional odds" and self.on.kind == "ordinal" and grades > MOST_GRADES:
            why = f"{self.on.label} has {grades:,.0f} values, and each would be a grade of its own."
            do, allowed = 'Write method = "ANCOVA" or "Wilcoxon".', f"a scale of {MOST_GRADES} values at most"
            found.append(Problem(("method",), why, self.way, allowed, do=do))
        return found

    def _leaving(self) -> list[Problem]:
        if self.estimand == "composite" and _BEST[self.measure] not in _ITS_OWN:
            why = "Leaving counts as no response, and this measure knows no response."
            do = 'Write measure = "responder", or estimand = "hypothetical".'
            return [Problem(("estimand",), why, self.estimand, '"hypothetical" or "while on treatment"', do=do)]
        if self.estimand == "while on treatment" and self.way in WITHIN_PEOPLE:
            why, do = "Only who is seen in both periods has a difference.", 'Write estimand = "hypothetical".'
            return [Problem(("estimand",), why, self.estimand, '"hypothetical" or "treatment policy"', do=do)]
        if self.estimand == "while on treatment" and self.way == "time to event":
            had = "improved" if self.measure == "time to improvement" else "been given rescue"
            why = f"Whoever leaves might have {had} later, and a hazard ratio has to say how that counts."
            do = 'Write estimand = "hypothetical" (censored there) or "composite".'
            return [Problem(("estimand",), why, self.estimand, '"hypothetical" or "composite"', do=do)]
        if self.estimand == "while on treatment" and self.way == "MMRM":
            why = "A mixed model estimates what visits after leaving would have been, not the last one before it."
            do = 'Write method = "ANCOVA", or estimand = "hypothetical".'
            return [Problem(("estimand",), why, self.estimand, '"hypothetical"', do=do)]
        return []


class AnalysisPlan(Part):
    """The table [analysis]: what is tested, and how much error is allowed over all of it."""

    alpha: Annotated[float, Field(strict=True, gt=0, le=0.5, allow_inf_nan=False)] = described(
        "Two-sided level of all tests together where multiplicity is held; intervals have one less this.", default=0.05
    )
    multiplicity: Multiplicity = described(
        'Over several endpoints: each at alpha ("none"), Holm, or in the order of the file until one fails '
        '("hierarchical"); left out, hierarchical.',
        default="hierarchical",
    )
    interim: InterimLooks | None = described(
        "Looks before everybody has been seen, each of which may end the trial; left out, there is none.", default=None
    )
    reestimation: Reestimation | None = described(
        "The size of the trial found again on the way, arms unknown; left out, it has the people of the study.",
        default=None,
    )
    response_adaptive: ResponseAdaptive | None = described(
        "Looks that move the allocation towards the arm which seems to be better; left out, it stays as it is.",
        default=None,
    )
    endpoints: Annotated[tuple[AnalysedEndpoint, ...], Field(min_length=1, max_length=20)] = described(
        "Endpoints in the order in which they are tested.", alias="endpoint"
    )
