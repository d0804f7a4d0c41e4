"""Who takes part in a trial: how people differ, which lesions they have, rules of entry, published entry levels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field, ValidationError, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from eutonia.assessment.scales import SCALES
from eutonia.patient.uses import USES
from eutonia.study import population_table, vocabulary
from eutonia.study.fields import (
    Age,
    AgeSD,
    Checking,
    Clearance,
    ClearanceSD,
    Given,
    Hours,
    Inside,
    LesionVolume,
    LesionVolumeSD,
    Mixture,
    Number,
    Origin,
    Part,
    PartOfOne,
    Positive,
    ScaleName,
    Share,
    Site,
    Territory,
    Weight,
    WeightSD,
    described,
    refuse,
    show,
    show_optional,
)
from eutonia.study.population_table import PeopleTable, TableField
from eutonia.study.scales import limb_fits, on_scale
from eutonia.study.studyfile import Problem
from eutonia.study.vocabulary import LimbName

LARGEST_COHORT = 10_000_000
DEFAULT_POOL = 16_384
_ROUNDING = 1e-6
Value = TypeVar("Value", bound=Given)
SD = TypeVar("SD", bound=Given)


class StudySpread(Part, Generic[Value, SD]):
    """How a property varies between people: normal, cut off at both ends."""

    mean: Value = described("Mean between people.")
    sd: SD = described("Standard deviation between people.")
    low: Value = described("Lowest.", alias="min")
    high: Value = described("Highest.", alias="max")

    def _problems(self) -> Iterable[Problem]:
        if not self.low <= self.mean <= self.high or self.low >= self.high:
            given = f"min {show(self.low)}, mean {show(self.mean)}, max {show(self.high)}"
            yield Problem((), "The mean must lie between min and max.", given, "min < max", do="Correct the three.")

    @property
    def numbers(self) -> tuple[Value, SD, Value, Value]:
        """Return mean, standard deviation, lowest and highest."""
        return self.mean, self.sd, self.low, self.high


class AgeSpread(StudySpread[Age, AgeSD]):
    """Age between people."""


class WeightSpread(StudySpread[Weight, WeightSD]):
    """Body weight between people."""


class ClearanceSpread(StudySpread[Clearance, ClearanceSD]):
    """Creatinine clearance between people."""


class TimeSpread(StudySpread[Hours, Hours]):
    """Time since the lesion between people."""


# The spreads that limit whom of a table a trial takes, by key.
_SPREADS: Mapping[str, type[StudySpread[Any, Any]]] = {
    "age": AgeSpread,
    "weight": WeightSpread,
    "creatinine_clearance": ClearanceSpread,
    "time_since_onset": TimeSpread,
}


class ShareSpread(Part):
    """A share, of a territory or of the cord, between people."""

    mean: Share = described("Mean share, 0 to 1.")
    sd: Share = described("Standard deviation between people.")


class VolumeSpread(Part):
    """Volume of a bleed between people."""

    mean: LesionVolume = described("Mean volume.")
    sd: LesionVolumeSD = described("Standard deviation between people.")


class StudyLesion(Part):
    """One sort of lesion in the population, and the share of people who have it."""

    share: PartOfOne = described("Share of people, above 0.")
    kind: Literal["ischaemic", "haemorrhagic"] = described("Infarct or bleed.")
    territory: Territory | None = described("Arterial territory of an infarct.", default=None)
    extent: ShareSpread | None = described("Share of the territory that is infarcted.", default=None)
    site: Site | None = described("Site of a bleed.", default=None)
    volume_ml: VolumeSpread | None = described("Volume of the bleed.", default=None, alias="volume")

    def _problems(self) -> Iterable[Problem]:
        size: dict[str, object] = {"extent": self.extent, "volume": self.volume_ml}
        return fits_kind(self.kind, {"territory": self.territory, "site": self.site, **size})


# The keys that describe each kind of lesion, all of them and no others.
_DESCRIBED_BY: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "ischaemic": ("An infarct", ("territory", "extent")),
    "haemorrhagic": ("A bleed", ("site", "volume")),
    "spinal cord injury": ("A cord injury", ("level", "completeness")),
    "multiple sclerosis": ("Multiple sclerosis", ("course", "load")),
    "brain injury": ("A brain injury", ("load",)),
    **{use: (use[0].upper() + use[1:], ()) for use in USES},
}


def fits_kind(kind: str, values: Mapping[str, object]) -> list[Problem]:
    """Return the faults of a lesion that lacks a key of its kind, or has one of the other kind."""
    word, keys = _DESCRIBED_BY[kind]
    why, allowed = f"{word} is described by {' and '.join(keys)}.", " and ".join(keys)
    if not keys:
        why, allowed = f"{word} has no lesion here.", "no key but kind"
    found = []
    for key, value in values.items():
        if key in keys and value is None:
            found.append(Problem((key,), why, None, allowed, do=f"Add the key {key}."))
        if key not in keys and value is not None:
            given = None if isinstance(value, Part) else show_optional(value)
            found.append(Problem((key,), why, given, allowed, do="Remove this key, or change kind."))
    return found


class EntryRule(Part):
    """One rule of entry: a person takes part only with a score of at least this."""

    scale: ScaleName = described("Scale on which the rule looks.")
    limb: LimbName | None = described("Limb; left out for a score of the whole person.", default=None)
    at_least: Number = described("Lowest score that lets a person in.")
    muscles: Annotated[int, Field(strict=True, ge=1, le=20)] | None = described(
        "How many muscle groups of the limb must reach it; left out, the mean of the limb must.", default=None
    )

    def _problems(self) -> Iterable[Problem]:
        found = [*limb_fits(self.scale, self.limb), *on_scale(self.scale, self.at_least, "at_least")]
        if self.muscles is not None and not SCALES[self.scale].of_muscles:
            why = f"{self.scale} has no score for each muscle group."
            known = ", ".join(key for key, scale in SCALES.items() if scale.of_muscles)
            found.append(Problem(("muscles",), why, self.muscles, known, do="Remove the key."))
        return found


class Baseline(Part):
    """A published entry level: recruitment is weighted until the cohort has it. An input, never a prediction."""

    scale: ScaleName = described("Scale of the published level.")
    limb: LimbName | None = described("Limb; left out for a score of the whole person.", default=None)
    mean: Number = described("Published mean before treatment.")
    sd: Positive = described("Published SD between people, above 0.")

    def _problems(self) -> Iterable[Problem]:
        return [*limb_fits(self.scale, self.limb), *on_scale(self.scale, self.mean, "mean")]


class StudyPopulation(Part):
    """Who takes part. Scores before treatment come from lesions, entry rules and published entry levels."""

    n: Annotated[int, Field(strict=True, ge=1, le=LARGEST_COHORT)] = described("Number of people in the trial.")
    table: Annotated[PeopleTable, TableField()] | None = described(
        "A table of real people beside the study (.csv or .parquet) from whom it draws; what it says may be left out "
        "here, and `min` and `max` here say whom of it the trial takes.",
        default=None,
    )
    pool: Annotated[int, Field(strict=True, ge=1, le=LARGEST_COHORT)] = described(
        "Number of virtual people drawn, from whom the trial recruits.", default=DEFAULT_POOL
    )
    origin: Origin = described("Where the spasticity comes from.")
    women: Share = described("Share of women, 0 to 1.")
    age_year: AgeSpread = described("Age.", alias="age")
    weight_kg: WeightSpread = described("Body weight.", alias="weight")
    creatinine_clearance_ml_per_min: ClearanceSpread = described("Kidney function.", alias="creatinine_clearance")
    time_since_onset_h: TimeSpread | None = described(
        "Time since the lesion at the start; left out for healthy people and for cerebral palsy.",
        alias="time_since_onset",
        default=None,
    )
    lesions: Mixture | None = described("A named mix of lesions, instead of a list.", default=None)
    lesion_shares: tuple[StudyLesion, ...] = described("Lesions one by one.", alias="lesion", default=())
    entries: tuple[EntryRule, ...] = described("Rules of entry; all must hold.", alias="entry", default=())
    baselines: tuple[Baseline, ...] = described("Published entry levels.", alias="baseline", default=())
    ineligible: Inside | None = described(
        "Share of people who are let in by mistake: they meet not all rules of entry; left out, none.", default=None
    )

    @property
    def limits(self) -> dict[str, tuple[float, float]]:
        """The lowest and highest that the study takes of each key of a table."""
        spreads = {
            "age": self.age_year,
            "weight": self.weight_kg,
            "creatinine_clearance": self.creatinine_clearance_ml_per_min,
            "time_since_onset": self.time_since_onset_h,
        }
        return {key: (float(one.low), float(one.high)) for key, one in spreads.items() if one is not None}

    @property
    def table_told(self) -> tuple[str, ...]:
        """In words, whom the table holds that people are drawn from, and which rows are left out; nothing without."""
        return () if self.table is None else (self.table.told(*self.table.within(self.limits)),)

    @model_validator(mode="before")
    @classmethod
    def _from_table(cls, given: object, info: Checking) -> object:
        """Fill in what the table says of whom the file takes, and the file does not; a table that cannot be read is
        the only fault that is told, for it may say what else is missing.
        """
        if not isinstance(given, dict) or "table" not in given:
            return given
        origin, limits = given.get("origin"), {}
        has_no_onset = isinstance(origin, str) and (origin == "healthy" or vocabulary.since_birth(origin))
        for key, spread in _SPREADS.items():
            with suppress(ValidationError):  # which the field itself tells
                found = spread.model_validate(given.get(key), context=info.context)
                limits[key] = (float(found.low), float(found.high))
        try:
            table = TableField().read_in(given["table"], info, ("time_since_onset",) if has_no_onset else ())
            return population_table.filled(given, table, limits)
        except PydanticCustomError as error:
            refuse(*(replace(one, at=("table", *one.at)) for one in (error.context or {})["problems"]))

    @model_serializer(mode="wrap")
    def _without_table(self, written: Callable[[StudyPopulation], dict[str, Any]]) -> Any:
        """Leave out what the file leaves to the table: with other limits it says something else."""
        found = written(self)
        if self.table is None:
            return found
        told = self.table.tells
        if "baseline" in found:
            rows = zip(self.baselines, found["baseline"], strict=True)
            found["baseline"] = [one for row, one in rows if (row.scale, row.limb or "") not in told]
        return {key: value for key, value in found.items() if key not in told and value != []}

    def _problems(self) -> Iterable[Problem]:
        found = [*self._lesions(), *self._shares()]
        since_birth = vocabulary.since_birth(self.origin)
        if (self.origin == "healthy" or since_birth) != (self.time_since_onset_h is None):
            do = "Add the key." if self.time_since_onset_h is None else "Remove the key, or change origin."
            why = "People with a lesion have a time since its onset, and healthy people have none."
            why = "The lesion is there since birth: the time since its onset is the age." if since_birth else why
            allowed = "{ mean, sd, min, max }" if self.time_since_onset_h is None else ""
            found.append(Problem(("time_since_onset",), why, None, allowed, do=do))
        if self.ineligible is not None and not self.entries:
            why, do = "Without rules of entry everybody meets them.", "Add [[population.entry]], or remove the key."
            found.append(Problem(("ineligible",), why, self.ineligible, do=do))
        rows = [(row.scale, row.limb) for row in self.baselines]
        why = "This entry level stands there twice."
        twice = [(place, " ".join(filter(None, row))) for place, row in enumerate(rows) if row in rows[:place]]
        return [*found, *(Problem(("baseline", place), why, row, do="Drop one.") for place, row in twice)]

    def _lesions(self) -> list[Problem]:
        """Check that there is a named mix or a list of lesions, and that they suit the origin."""
        mix, given = vocabulary.mix_of(self.origin), (self.lesions is not None) + bool(self.lesion_shares)
        at = "lesions" if self.lesions is not None else "lesion"
        if mix is None:
            do = 'Remove it, or write origin = "stroke".'
            return [Problem((at,), "Healthy people have no lesion.", self.lesions, do=do)] if given else []
        if given != 1:
            why = f"A population of {self.origin} origin has either a named mix of lesions or its own list."
            do = "Remove one of the two." if given else f'Add lesions = "{mix}".'
            return [Problem(("lesions",), why, self.lesions, f'"{mix}", or [[population.lesion]] tables', do=do)]
        if self.lesions != mix and (self.lesions is not None or self.origin != "stroke"):
            why, do = f"These lesions do not go with the origin, {self.origin}.", f'Write lesions = "{mix}".'
            return [Problem((at,), why, self.lesions, f'"{mix}"', do=do)]
        return []

    def _shares(self) -> list[Problem]:
        total = sum(row.share for row in self.lesion_shares)
        if not self.lesion_shares or abs(total - 1.0) <= _ROUNDING:
            return []
        do = f"Add a lesion for the remaining {1 - total:.3g}." if total < 1 else "Lower the shares."
        why = "The shares of all lesions must add up to 1."
        return [Problem(("lesion",), why, f"a sum of {total:g}", "a sum of 1", do=do)]
