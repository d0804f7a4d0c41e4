"""Study files: from TOML to a frozen, checked design, or to an error that says what to mend and on which line.

study = load_study("meythaler_2001")        # a study that ships, or a path
study.phases[0].arms[0].treatments[0].dose_ug
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, PrivateAttr, ValidationError

from eutonia._arguments import TEXT, accepts, instance
from eutonia.assessment.scales import SCALES
from eutonia.drug.pump import Therapy
from eutonia.errors import nearest
from eutonia.parameters import citations
from eutonia.study import case_checks, checks, replacing, shipped_files, studyfile
from eutonia.study.analysis_plan import AnalysisPlan
from eutonia.study.beyond import beyond_label
from eutonia.study.case import (
    BolusEvent,
    CaseCourse,
    CaseLesion,
    CasePatient,
    CasePump,
    ChartedScore,
    Event,
    ExaminationEvent,
    rank,
)
from eutonia.study.case_therapy import CaseTherapy, therapy_of
from eutonia.study.case_times import SINCE_ONSET, onset_of
from eutonia.study.endpoint import Endpoint
from eutonia.study.factorial import at_factors
from eutonia.study.fields import DATED, ONSET, Part, context_of, described
from eutonia.study.numbers import NumbersOfStudy, holding
from eutonia.study.option import CaseOption, option_problems
from eutonia.study.oral_models import ADULT, oral_model_problems
from eutonia.study.other_uses import use_problems
from eutonia.study.parts import Arm, Assessment, Head, Phase
from eutonia.study.people import StudyPopulation
from eutonia.study.published import PublishedRow
from eutonia.study.rescue import rescues_of
from eutonia.study.sides import side_problems
from eutonia.study.studyfile import Fault, Problem
from eutonia.study.translate import faults_of
from eutonia.study.treatments import Treatment

AnyStudy = TypeVar("AnyStudy", bound="Study")


class Study(Part):
    """What every study file holds: its head, how people are examined, and the file from which it was read."""

    head: Head = described("What the file is.", alias="study")
    assessment: Assessment = described("How people are examined at each visit.")
    parameters: Annotated[dict[str, str], NumbersOfStudy()] = described(
        "Numbers of the science that the study changes, SET.NAME = quantity with unit.", default_factory=dict
    )

    _digest: str = PrivateAttr(default="")
    _text: str = PrivateAttr(default="")
    _path: Path | None = PrivateAttr(default=None)
    _cited: dict[str, tuple[str, str]] = PrivateAttr(default_factory=dict)

    @property
    def cited(self) -> Mapping[str, tuple[str, str]]:
        """What the file cites, by key (or by its text): the reference in words, and its BibTeX."""
        return self._cited

    @property
    def name(self) -> str:
        """Short name, under which results are filed."""
        return self.head.name

    @property
    def title(self) -> str:
        """What the study asks, in one line."""
        return self.head.title

    @property
    def kind(self) -> str:
        """Either "trial" or "case"."""
        return self.head.kind

    @property
    def seed(self) -> int:
        """Start of all random draws."""
        return self.head.seed

    @property
    def source(self) -> str | None:
        """Key in sources.bib of the paper that the study follows."""
        return self.head.source

    @property
    def oral_model(self) -> str:
        """Parameter set by which tablets are taken up and cleared."""
        return self.head.oral_model or ADULT

    @property
    def note(self) -> str:
        """What a reader of the result has to know; empty if the file says nothing."""
        return self.head.note or ""

    @property
    def beyond_label(self) -> tuple[str, ...]:
        """The doses that are larger than the label's; empty unless the study allows them."""
        return beyond_label(self)

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes of the file, in hexadecimal; of the study's own JSON if it did not come from a file."""
        return self._digest or hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()

    @property
    def path(self) -> Path | None:
        """The file from which the study was read, if any."""
        return self._path

    @property
    def word(self) -> str:
        """What names the study on the command line: its name if it ships, else its file."""
        if self._path is None:
            return f"{self.name}.toml"
        return self.name if shipped().get(self.name) == self._path else str(self._path)

    @property
    def text(self) -> str:
        """The text of the file, comments included."""
        return self._text

    @accepts(fields=instance("a mapping of paths to values", '{"population.n": 40}', Mapping))
    def replace(self: AnyStudy, fields: Mapping[str, object]) -> AnyStudy:
        """Return a study with some fields replaced, checked like any file.

        Parameters
        ----------
        fields : mapping of path to value
            Paths as in the file, keys with dots between them; an item of a list by its `name` or its number from 0:
            `{"population.n": 40, "phase.bolus.arm.baclofen.treatment.0.dose": "75 ug"}`. Quantities are text with their
            unit, as in the file.

        Returns
        -------
        study
            A new study; `text` is the file that it is, and `digest` that of this text.

        Raises
        ------
        ArgumentError
            No mapping.
        StudyError
            A path that leads nowhere, or a study that may not be; `.faults` lists all.
        """
        return from_tables(type(self), replacing.replaced(self.name, self.tables(), fields), self.name, self._path)

    def override(
        self: AnyStudy, *, n: int | None = None, seed: int | None = None, pool: int | None = None,
        parameters: str | None = None,
    ) -> AnyStudy:  # fmt: skip
        """Return the same study with other people, seed or pool, or its numbers drawn or held, checked again.

        `digest`, `path` and `text` stay those of the file: a record of a run has to say what was overridden.
        """
        tables = self.tables()
        head: dict[tuple[str, str], object] = {("study", "seed"): seed, ("study", "parameters"): parameters}
        changes = {**head, ("population", "n"): n, ("population", "pool"): pool}
        for (table, key), value in changes.items():
            if value is None:
                continue
            if table not in tables:
                do = "Leave the option out: a case is one person."
                raise studyfile.whole(self.name, f"A {self.kind} has no {table}.", f"{key} = {value}", do=do)
            tables[table][key] = value
        changed = _validated(type(self), tables, {}, self.name, self._path)
        changed._digest, changed._text, changed._path = self._digest, self._text, self._path
        return changed

    def tables(self) -> dict[str, Any]:
        """Return the tables of the file that the study is."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)


class TrialStudy(Study):
    """A group of people who go through phases, in arms, to visits."""

    population: StudyPopulation = described("Who takes part.")
    phases: Annotated[tuple[Phase, ...], Field(min_length=1, max_length=50)] = described(
        "Phases in order.", alias="phase"
    )
    endpoint: Endpoint | None = described("What counts as a response.", default=None)
    analysis: AnalysisPlan | None = described("How the trial is analysed; left out, it is not.", default=None)
    published: tuple[PublishedRow, ...] = described("Published results laid over the prediction.", default=())

    @property
    def arms(self) -> tuple[Arm, ...]:
        """All arms of all phases."""
        return tuple(arm for phase in self.phases for arm in phase.arms)

    def phase(self, name: str) -> Phase:
        """Return a phase by name."""
        return next(phase for phase in self.phases if phase.name == name)

    def _problems(self) -> Iterable[Problem]:
        oral = oral_model_problems(self.head.oral_model, self.population.age_year.high)
        return at_factors(self.phases, [*checks.trial_problems(self), *side_problems(self), *oral])


class CaseStudy(Study):
    """One person from the onset on."""

    patient: CasePatient = described("The person.")
    lesion: CaseLesion = described("The lesion.")
    charted: tuple[ChartedScore, ...] = described("Scores from the chart, before any treatment.", default=())
    pump: CasePump | None = described("The pump; left out, there is none.", default=None)
    therapy: CaseTherapy | None = described("A pump program that the person has, in place of a pump.", default=None)
    case: CaseCourse = described("How long the person is followed.")
    treatments: tuple[Treatment, ...] = described(
        "What is given beside the drug; times since the onset.", alias="treatment", default=()
    )
    events_as_written: tuple[Event, ...] = described("What happens, in any order.", alias="event", default=())
    options: tuple[CaseOption, ...] = described(
        "Several ways to go on, which eutonia compare lays beside the case.", alias="option", default=()
    )

    def under(self, option: CaseOption) -> CaseStudy:
        """Return the case as it is under one of its options."""
        return self.changed(option.changes(self))

    def changed(self, fields: Mapping[str, Any]) -> CaseStudy:
        """Return the case with other fields; they are not checked again."""
        made = self.model_copy(update=fields)
        made.__dict__.pop("events", None)  # in the order of the case as it was
        return made

    @property
    def as_options(self) -> tuple[CaseStudy, ...]:
        """The case as it is, then under each of its options; each is a case of its own."""
        if not self.options:
            return (self,)
        found = [self.model_copy(update={"options": ()}), *(self.under(one) for one in self.options)]
        for one in found:
            one._text = replacing.toml_of(one.tables())
            one._digest = hashlib.sha256(one._text.encode()).hexdigest()
            one._cited = _cited(one, None if self._path is None else self._path.parent)
        return tuple(found)

    @property
    def tip(self) -> str | None:
        """Vertebral level of the tip of the one catheter that the person has; None for a person without."""
        tips = (one.tip for one in (self.pump, *self.events_as_written) if isinstance(one, CasePump | BolusEvent))
        own = next((tip for tip in tips if tip is not None), None)
        return own if self.therapy is None else self.therapy.program.therapy.tip

    @property
    def pump_therapy(self) -> Therapy | None:
        """The pump and all that happens to it, on the clock of the case; None for a person without."""
        return therapy_of(self)

    @functools.cached_property
    def events(self) -> tuple[Event, ...]:
        """What happens, in the order of time; events of one time in the order of their kinds."""
        return tuple(sorted(self.events_as_written, key=rank))

    def _problems(self) -> Iterable[Problem]:
        oral = oral_model_problems(self.head.oral_model, self.patient.age_year)
        found = [*case_checks.case_problems(self), *side_problems(self), *oral, *use_problems(self)]
        return found or [*option_problems(self)]


#: What stands for a study in the arguments of public functions.
STUDY = instance("a study, as load_study returns it", 'eutonia.load_study("meythaler_2001")', Study)
_MODELS: dict[str, type[TrialStudy] | type[CaseStudy]] = {"trial": TrialStudy, "case": CaseStudy}


@accepts(path_or_name=instance("a name or a path of a study", '"meythaler_2001"', str, os.PathLike))
def load_study(path_or_name: str | os.PathLike[str]) -> TrialStudy | CaseStudy:
    """Read a study from a file, or one that ships by its name.

    Parameters
    ----------
    path_or_name
        Path of a TOML file, or a name out of `shipped()`.

    Raises
    ------
    StudyError
        The file is missing, unreadable, not TOML, or asks for something that does not exist; `.faults` lists it all.
    """
    path = shipped_files.find(os.fspath(path_or_name), shipped(), "study")
    content = studyfile.read_bytes(path)
    return _study(content, studyfile.decode(content, str(path)), str(path), path)


@accepts(text=TEXT, name=TEXT)
def parse_study(text: str, name: str = "study.toml") -> TrialStudy | CaseStudy:
    """Read a study from its text; `name` stands for the file in errors."""
    content = text.encode("utf-8", errors="replace")
    return _study(content, studyfile.decode(content, name), name, None)


def from_tables(model: type[AnyStudy], tables: dict[str, Any], name: str, path: Path | None = None) -> AnyStudy:
    """Return the study of tables that stand in no file: its text is what a file of it would be, and its faults tell no
    lines.
    """
    made = _validated(model, tables, {}, name, path)
    made._text = replacing.toml_of(made.tables())
    made._digest = hashlib.sha256(made._text.encode()).hexdigest()
    return made


def shipped() -> dict[str, Path]:
    """Return the studies that come with the package, by name."""
    return shipped_files.named("studies")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of study files, a description with every field."""
    schemas = {kind: model.model_json_schema(by_alias=True) for kind, model in _MODELS.items()}
    definitions: dict[str, Any] = {}
    for schema in schemas.values():
        definitions |= schema.pop("$defs", {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Eutonia study file",
        "description": "A virtual trial or a single case, written in TOML.",
        "anyOf": list(schemas.values()),
        "$defs": definitions,
    }


def _study(content: bytes, text: str, name: str, path: Path | None) -> TrialStudy | CaseStudy:
    tables = studyfile.read_toml(text, name)
    lines = studyfile.lines_of(text)
    study = _validated(_model(tables, lines, name), tables, lines, name, path)
    study._digest, study._text, study._path = hashlib.sha256(content).hexdigest(), text, path
    return study


def _model(tables: dict[str, Any], lines: studyfile.Lines, name: str) -> type[TrialStudy] | type[CaseStudy]:
    """Return the model of the kind that the file claims to be."""
    head = tables.get("study")
    kind = head.get("kind") if isinstance(head, dict) else None
    if isinstance(kind, str) and kind in _MODELS:
        return _MODELS[kind]
    key, line, _ = studyfile.locate(tables, ("study", "kind"), lines)
    given = "" if kind is None else studyfile.show(kind)
    if "therapy" in tables and head is None:
        why, do = "It is a pump program, not a study.", "eutonia pump plays it, and eutonia check checks it."
        raise studyfile.whole(name, why, "the table [therapy]", "a study with the table [study]", do=do)
    why = "The file does not say what it is." if kind is None else "There is no such kind of study."
    close = tuple(f'"{one}"' for one in nearest(kind, _MODELS)) if isinstance(kind, str) else ()
    do = 'Write [study] on a line of its own and kind = "trial" or kind = "case" below it.'
    raise studyfile.error(name, [Fault(key, line, given, why, '"trial" or "case"', close, do)])


def _validated(
    model: type[AnyStudy], tables: dict[str, Any], lines: studyfile.Lines, name: str, path: Path | None = None
) -> AnyStudy:
    folder = None if path is None else path.parent
    onset = onset_of(tables)
    context: dict[str, Any] = {"folder": folder, ONSET: onset, **context_of(tables)}
    context |= {} if onset is None else {DATED: SINCE_ONSET.read_in}
    try:
        with holding(tables):
            study = model.model_validate(tables, context=context)
    except ValidationError as error:
        raise studyfile.error(name, faults_of(error, tables, lines, model)) from None
    study._cited = _cited(study, folder)
    return study


def _cited(study: Study, folder: Path | None) -> dict[str, tuple[str, str]]:
    """Return every reference that a study names; an entry beside the study goes before one of ours."""
    given = [study.source, *(row.source for row in getattr(study, "published", ()))]
    given += [source for scale in study.assessment.scales for source in SCALES[scale].sources]
    parts = [*getattr(study, "treatments", ()), *(part for arm in getattr(study, "arms", ()) for part in arm.parts)]
    parts += rescues_of(getattr(study, "phases", ()))
    given += [source for part in parts for source in part.sources]
    examined = (one for one in getattr(study, "events_as_written", ()) if isinstance(one, ExaminationEvent))
    given += [source for one in examined for source in one.sources]
    return citations.cited(given, study.name, folder)
