"""Commands on recordings of real limbs: fit-stretch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eutonia._bounds import LARGEST_SEED
from eutonia.cli.app import app, console
from eutonia.cli.overrides import Overrides, tell
from eutonia.inference.zeros import ZEROS

_ZEROS = "; ".join(f"{joint}: {zero}" for joint, zero in ZEROS.items())


@app.command("fit-stretch")
def fit_stretch(
    traces: Annotated[
        list[Path],
        typer.Argument(metavar="TRACE...", help="CSV: time_s,angle_deg[,torque_Nm][,emg_mV]; ramps: several."),
    ],
    test: Annotated[str, typer.Option(help="pendulum (the leg is let go) or ramp (a stretch by hand or motor).")],
    joint: Annotated[str, typer.Option(help=f"Joint that was moved. Angles in deg: {_ZEROS}.")] = "knee",
    weight: Annotated[str | None, typer.Option(help='Body weight, "71 kg", if the file does not say it.')] = None,
    height: Annotated[str | None, typer.Option(help='Height, "175 cm", if the file does not say it.')] = None,
    shank_length: Annotated[str | None, typer.Option(help='Length of the shank, "42 cm", instead of height.')] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for page and tables; results/NAME-fit when left out.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Start of all random draws.")] = 0,
    set_: Overrides = None,
) -> None:
    """Fit a recorded stretch: threshold, gain, tone, stiffness, with what it cannot tell. Not a medical device."""
    from eutonia import _progress as bars
    from eutonia.api.fit import fit
    from eutonia.inference.recording import read
    from eutonia.report.fit import files as report

    recordings = [read(path) for path in traces]
    target = report.check_folder(out or Path("results") / f"{traces[0].stem}-fit")
    screen = console()
    with bars.shown_on(screen, quiet=False) as progress:
        found = fit(
            recordings,
            test,
            joint,
            weight=weight,
            height=height,
            shank_length=shank_length,
            seed=seed,
            progress=progress,
        )
    tell(found.run, screen.print)
    report.show(found.fit, screen, found.write(target))
