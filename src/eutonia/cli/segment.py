"""The command on the spiking spinal segment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eutonia._bounds import LARGEST_SEED
from eutonia.cli.app import app, console
from eutonia.cli.overrides import Overrides, tell


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
    set_: Overrides = None,
) -> None:
    """Examine a spiking spinal segment: soleus and tibialis anterior, healthy or spastic, with or without baclofen."""
    from eutonia.api.segment import examine_segment
    from eutonia.report.segment import files as report

    target = report.check_folder(out) if out else None
    found = examine_segment(
        severity,
        bias=bias,
        csf=csf,
        presynaptic_share=presynaptic_share,
        presynaptic_inhibition=presynaptic_inhibition,
        protocol=protocol,
        cells=cells,
        seed=seed,
    )
    screen = console()
    screen.print(f"{found.finding.title}: {', '.join(f'{name.lower()} {value}' for name, value in found.facts)}")
    tell(found.run, screen.print)
    for number in found.finding.numbers:
        what, value, unit = report.said(number)
        screen.print(f"  {what:55} {value:>8} {unit}", highlight=False)
    if target:
        found.write(target)
        screen.print(f"Written: {target / 'segment.html'}", soft_wrap=True)
