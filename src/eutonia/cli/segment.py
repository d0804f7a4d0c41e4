"""The command on the spiking spinal segment."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eutonia import session
from eutonia._bounds import LARGEST_SEED
from eutonia.cli.app import app, console

if TYPE_CHECKING:
    from eutonia.tone.segment.protocols import Person


@app.command()
def segment(
    severity: Annotated[
        str | None, typer.Option(help="healthy, spastic or severe; spastic when left out.", show_default=False)
    ] = None,
    bias: Annotated[str | None, typer.Option(help='Descending bias instead of a severity, such as "2.5 mV".')] = None,
    csf: Annotated[str | None, typer.Option(help='Baclofen in the spinal fluid, such as "300 ng/mL".')] = None,
    presynaptic_share: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Where GABA-B acts: 0 motoneuron alone, 1 Ia release.")
    ] = None,
    presynaptic_inhibition: Annotated[
        float | None,
        typer.Option(help="Of Ia terminals at rest, share of release; 0 is the weakest."),
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(help="rest, h-reflex, recruitment, depression, inhibition, f-wave, ramp, contraction or clonus."),
    ] = "h-reflex",
    cells: Annotated[int, typer.Option(min=400, max=20_000, help="Cells of the segment.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Start of all random draws.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder for page, impulses and traces; none when left out.")] = None,
) -> None:
    """Examine a spiking spinal segment: soleus and tibialis anterior, healthy or spastic, with or without baclofen."""
    from eutonia import _units, parameters
    from eutonia.assessment import segment as examinations
    from eutonia.errors import SimulationError, unknown
    from eutonia.report import segment as report
    from eutonia.simulation import segment as cord
    from eutonia.tone.segment.condition import preset
    from eutonia.trial.record import repeat, run_record

    if protocol not in examinations.EXAMINATIONS:
        raise SimulationError(unknown("protocol", protocol, examinations.EXAMINATIONS))
    severity = _severity(severity, bias)
    target = report.check_folder(out) if out else None
    session.begin()
    level = _units.parse(csf, "concentration_csf", "--csf") if csf else 0.0
    began = time.perf_counter()
    with parameters.recording() as used:
        depth = _units.parse(bias, "potential", "--bias") if bias else preset(severity)
        who = cord.person(depth, level, presynaptic_share, cells, seed, presynaptic_inhibition)
        found = examinations.examine(protocol, who)
    screen = console()
    facts = _facts(who, depth, level)
    screen.print(f"{found.title}: {', '.join(f'{name.lower()} {value}' for name, value in facts)}")
    for number in found.numbers:
        what, value, unit = report.said(number)
        screen.print(f"  {what:55} {value:>8} {unit}", highlight=False)
    if target:
        given = {"severity": None if bias else severity, "bias": bias, "csf": csf, "protocol": protocol}
        shares = {"presynaptic_share": presynaptic_share, "presynaptic_inhibition": presynaptic_inhibition}
        command = repeat("segment", **given, **shares, cells=cells, seed=seed)
        run = run_record(seed, "", used, time.perf_counter() - began, command=command)
        report.write(found, target, run, facts)
        screen.print(f"Written: {target / 'segment.html'}", soft_wrap=True)


def _facts(who: Person, depth: float, level: float) -> list[tuple[str, str]]:
    """Return what was examined, in words."""
    return [
        ("Descending bias", f"{depth:g} mV"),
        ("Baclofen in spinal fluid", f"{level:g} ng/mL"),
        ("Ia release left", f"{float(who.condition.release[0]):.0%}"),
        ("Presynaptic inhibition", f"{float(who.condition.pad_rest[0]):.0%}"),
        ("Cells", str(who.sizes.total)),
    ]


def _severity(severity: str | None, bias: str | None) -> str:
    """Return the severity that is meant."""
    from eutonia.errors import SimulationError, unknown
    from eutonia.tone.segment.condition import PRESETS

    if severity and bias:
        raise SimulationError(
            f'--severity {severity} and --bias "{bias}" were both given. Allowed: one of them, for both set the '
            "descending bias. Leave one out."
        )
    if severity and severity not in PRESETS:
        raise SimulationError(unknown("severity", severity, PRESETS, 'Or give a bias, such as --bias "2.5 mV".'))
    return severity or "spastic"
