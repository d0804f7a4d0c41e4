"""Options of a case: several ways to treat one person, told in one file as what is done beside what the case tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eutonia.study.case import CasePump, Event
from eutonia.study.case_checks import case_problems
from eutonia.study.case_therapy import CaseTherapy
from eutonia.study.fields import Part, described
from eutonia.study.studyfile import Key, Problem
from eutonia.study.texts import FileName, Text
from eutonia.study.treatments import Treatment

if TYPE_CHECKING:
    from eutonia.study.design import CaseStudy


class CaseOption(Part):
    """One way to treat the person of a case."""

    name: FileName = described("Short name of the option.")
    title: Text | None = described("What is done, in one line; left out, the name tells it.", default=None)
    pump: CasePump | None = described("The pump of this option, in place of that of the case.", default=None)
    therapy: CaseTherapy | None = described("A pump program in place of a pump.", default=None)
    treatments: tuple[Treatment, ...] = described(
        "What is given beside the drug, after what the case gives.", alias="treatment", default=()
    )
    events: tuple[Event, ...] = described("What happens, beside what happens in the case.", alias="event", default=())

    def changes(self, study: CaseStudy) -> dict[str, Any]:
        """Return the fields of the case that are others under this option."""
        title = self.title or f"{study.title}: {self.name.replace('_', ' ')}"
        found: dict[str, Any] = {
            "head": study.head.model_copy(update={"name": f"{study.name}_{self.name}", "title": title}),
            "treatments": (*study.treatments, *self.treatments),
            "events_as_written": (*study.events_as_written, *self.events),
            "options": (),
        }
        if self.pump is not None or self.therapy is not None:
            found |= {"pump": self.pump, "therapy": self.therapy}
        return found


def option_problems(study: CaseStudy) -> Iterator[Problem]:
    """Find names that stand twice, and what does not fit once an option is put into its case."""
    names = [one.name for one in study.options]
    for k, option in enumerate(study.options):
        if option.name in names[:k]:
            why, do = "Another option has this name already.", "Rename one of the two."
            yield Problem(("option", k, "name"), why, option.name, "each name once", do=do)
        for problem in case_problems(study.under(option)):
            yield replace(problem, at=_place(study, option, k, problem.at))


def _place(study: CaseStudy, option: CaseOption, k: int, at: Key) -> Key:
    """Return where in the file of a case something stands that is wrong under an option."""
    before = {"event": len(study.events_as_written), "treatment": len(study.treatments)}
    table, position = (*at, None, None)[:2]
    if table in before and isinstance(position, int) and position >= before[table]:
        return ("option", k, table, position - before[table], *at[2:])
    if table in ("pump", "therapy") and getattr(option, str(table)) is not None:
        return ("option", k, *at)
    return ("option", k)
