"""What the hierarchical calibration leaves: draws (NetCDF), the frozen set (TOML), a page of checks (Markdown)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import hierarchical_checks as checks
import hierarchical_design as design
import jax
import numpy as np
import numpyro
import xarray as xr
from hierarchical_model import Draws, Evidence
from hierarchical_rows import CLASSES
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

NAME, TITLE = "eutonia_2026_1", "eutonia-2026.1"
SET = Path(__file__).parents[1] / f"src/eutonia/parameters/data/{NAME}.toml"
_KEEP = 400
_SPREAD = "trial.nonspecific_change_mean.sd"
_PARTS = ("design", "surrogate", "model", "rows")


def digest() -> str:
    """Return the SHA-256 of the runs and of the scripts that made the posterior of them."""
    here = Path(__file__).parent
    files = [here / "hierarchical.py", *(here / f"hierarchical_{part}.py" for part in _PARTS), design.RUNS]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def labels() -> list[str]:
    """Return scale and key of each number of the frozen set: the records, then how far trials differ in one of them."""
    scaled = [f"{one.scale} {one.key}" for one in design.SCALED]
    return [one.replace(".", "/") for one in (*scaled, f"log {_SPREAD}")]


def _joint(found: Draws) -> np.ndarray:
    """Return the draws of the numbers of the frozen set: records, and the SD between studies of Ashworth scores."""
    x, tau = found.flat
    return np.column_stack([x, np.log(tau[:, list(CLASSES).index("Ashworth")])])


def posterior(found: Draws, path: Path, seed: int) -> None:
    """Write thinned draws, summary and diagnostics as an xarray DataTree."""
    names, kinds = [f"{one.scale} {one.key}" for one in design.SCALED], list(CLASSES)
    joint, every = _joint(found), max(found.x.shape[0] * found.x.shape[1] // _KEEP, 1)
    x, tau = (one[::every].astype(np.float32) for one in found.flat)
    draws = {"x": (("draw", "parameter"), x), "between_studies": (("draw", "kind"), tau)}
    of_each = {
        "mean": joint[:, :-1].mean(axis=0),
        "sd": joint[:, :-1].std(axis=0, ddof=1),
        "prior_mean": design.MIDDLE,
        "prior_sd": design.PRIOR,
        "frozen": design.FROZEN,
        "r_hat": split_gelman_rubin(found.x),
        "ess": effective_sample_size(found.x),
    }
    summary = {name: ("parameter", np.asarray(one)) for name, one in of_each.items()}
    summary["covariance"] = (("parameter", "also"), np.cov(joint[:, :-1].T))
    between = {
        "mean": ("kind", found.flat[1].mean(axis=0)),
        "r_hat": ("kind", np.asarray(split_gelman_rubin(found.tau))),
        "ess": ("kind", np.asarray(effective_sample_size(found.tau))),
    }
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(draws, {"parameter": names, "kind": kinds}),
            "summary": xr.Dataset(summary, {"parameter": names, "also": names}),
            "between_studies": xr.Dataset(between, {"kind": kinds}),
        }
    )
    made = {"numpyro": numpyro.__version__, "jax": jax.__version__}
    tree.attrs = {"title": TITLE, "seed": seed, "script": "calibration/hierarchical.py", "digest": digest(), **made}
    tree.attrs |= {"divergent": found.divergent, "chains": found.x.shape[0], "draws": found.x.shape[1]}
    path.unlink(missing_ok=True)
    tree.to_netcdf(path, engine="h5netcdf")


def frozen_set(found: Draws, seed: int, path: Path = SET) -> None:
    """Write the frozen set: names, mean, SD and correlation of the records on their fitting scales."""
    joint, names = _joint(found), labels()
    mean, sd = joint.mean(axis=0), joint.std(axis=0, ddof=1)
    correlation = np.corrcoef(joint.T)
    axis = _quoted(names)
    note = "Of the scale (log, logit or plain) of each record in its own unit; a word behind a second stroke is a part."
    rows = "".join(f"    {_listed(row)},\n" for row in correlation)
    tables = {
        "mean": ("Mean of what the calibration knows of each record, on its fitting scale", _listed(mean), note),
        "sd": ("Standard deviation of the same", _listed(sd), note),
        '"correlation_{each}"': (
            "Correlation of the same between {each} and each",
            f"[\n{rows}]",
            "On fitting scales.",
        ),
    }
    text = (
        f'[set]\nname = "{NAME}"\ntitle = "{TITLE}: fitted records and what is unknown of them together"\n'
        f'released = "2026-11"\nnote = "Seed {seed}; SHA-256 of scripts and runs {digest()}. The records '
        'themselves keep their values; a trial draws from it where its parameters are those of the posterior."\n'
    )
    for name, (label, numbers, said) in tables.items():
        words = [word.split(" ")[1].replace("/", "_") for word in names]
        text += f"\n[{name}]\n" + (f"each = {_quoted(words)}\n" if "{each}" in name else "")
        text += f'label = "{label}"\nvalue = {numbers}\nunit = "1"\nsource = "Eutonia_2026"\n'
        text += f'where = "calibration/hierarchical.py"\nmethod = "fitted"\nstatus = "fitted"\nnote = "{said}"\n'
        text += f"axis = {axis}\n"
    path.write_text(text, encoding="utf-8")


def _quoted(words: list[str]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


def _listed(numbers: np.ndarray) -> str:
    return "[" + ", ".join(f"{float(one):.6g}" for one in numbers) + "]"


def page(
    held: Evidence,
    found: Draws,
    out: list[checks.Predicted],
    ranks: np.ndarray,
    unused: dict[str, int],
    unseen: np.ndarray,
    path: Path,
) -> None:
    """Write the page of checks; `unseen` is how far the surrogate is off (run, row) on runs that it was not given."""
    parts = [_head(held, found, unseen), _records(found), _studies(found), _rows(held, found, out), _simulated(ranks)]
    path.write_text("\n".join([*parts, _apart(found), _unused(unused)]), encoding="utf-8")


def _table(heads: str, lines: list[str]) -> str:
    columns = heads.count("|") + 1
    return "\n".join([f"| {heads} |", "|" + "---|" * columns, *(f"| {line} |" for line in lines), ""])


def _head(held: Evidence, found: Draws, unseen: np.ndarray) -> str:
    runs, missed = len(held.surrogate.runs), np.asarray(held.surrogate.share_missed)
    apart = np.abs(unseen) / np.array([row.sd for row in held.rows])
    beyond = np.linalg.norm(np.linalg.solve(held.surrogate.root, (found.flat[0] - design.FROZEN).T), axis=0)
    farthest = np.linalg.norm(held.surrogate.runs, axis=1).max()
    share = np.asarray(held.surrogate.error) / np.array([row.sd for row in held.rows])
    hat, size = np.max(split_gelman_rubin(found.x)), np.min(effective_sample_size(found.x))
    return (
        f"# Hierarchical calibration: {TITLE}\n\nWritten by `python calibration/hierarchical.py`; the model is in "
        "`hierarchical_model.py`, the rows are in `hierarchical_rows.py`.\n"
        f"NumPyro {numpyro.__version__}, JAX {jax.__version__}; digest of scripts and runs `{digest()[:16]}`.\n\n"
        f"A surrogate stands for the chain: a Gaussian process a row, learned from {runs} runs. On a run of the design "
        f"that is left out it misses {np.median(missed):.2f} of the SD of the runs in the middle of the rows "
        f"({missed.max():.2f} at most), which is {np.median(share):.2f} of the row's own error in the middle and "
        f"{share.max():.2f} at most; that stands in the likelihood.\n"
        f"On {len(unseen)} further runs of the design that it has not seen it is off by "
        f"{np.sqrt(np.mean(apart**2)):.2f} of the row's own error (root mean square). Of the draws "
        f"{np.mean(beyond <= farthest):.1%} lie no farther from the frozen numbers than its farthest run.\n"
        f"{found.x.shape[0]} chains of "
        f"{found.x.shape[1]} draws by NUTS, {found.divergent} divergences, largest r-hat {hat:.3f}, smallest effective "
        f"sample {size:.0f}.\n"
    )


def _records(found: Draws) -> str:
    x = found.flat[0]
    hat, size = split_gelman_rubin(found.x), effective_sample_size(found.x)
    lines = []
    for k, one in enumerate(design.SCALED):
        low, middle, high = (one.outward(q) for q in np.quantile(x[:, k], (0.05, 0.5, 0.95)))
        sd = x[:, k].std(ddof=1)
        moved = (x[:, k].mean() - design.FROZEN[k]) / sd
        lines.append(
            f"{one.key} ({one.unit}) | {one.scale} | {one.shipped:.3g} | {middle:.3g} ({low:.3g} to {high:.3g}) | "
            f"{moved:+.1f} | {sd / design.PRIOR[k]:.2f} | {hat[k]:.3f} | {size[k]:.0f}"
        )
    heads = "record | scale | its value | median (90 %) | moved, SD | SD over prior's | r-hat | effective draws"
    return (
        "\n## Records\n\nThe records keep their values, those of `drug.py`'s fit; `moved` is how far the mean of the "
        "posterior lies from them.\n\n" + _table(heads, lines)
    )


def _studies(found: Draws) -> str:
    lines = []
    for (kind, (width, unit)), tau in zip(CLASSES.items(), found.flat[1].T, strict=True):
        low, middle, high = np.quantile(tau, (0.05, 0.5, 0.95))
        lines.append(f"{kind} | {unit} | half-normal, {width:g} | {middle:.2f} ({low:.2f} to {high:.2f})")
    return "\n## SD between studies\n\n" + _table("class | unit | prior | median (90 %)", lines)


def _rows(held: Evidence, found: Draws, out: list[checks.Predicted]) -> str:
    seen = checks.predicted(checks.replicated(found, held, 0), held)
    rivals, lines = checks.baselines(held), []
    for row, mine, left in zip(held.rows, seen, out, strict=True):
        sampling = "" if row.sampling is None else f"; SE {row.sampling:.2g}"
        lines.append(
            f"{row.rows} | {row.key} | {row.source} | {row.value:.3g} ({row.tolerance:.2g}{sampling}) | "
            f"{mine.middle:.3g} ({mine.low:.3g} to {mine.high:.3g}) | {mine.below:.2f} | "
            f"{left.middle:.3g} ({left.low:.3g} to {left.high:.3g}){'' if left.holds(row.value) else ' **misses**'}"
        )
    values = [row.value for row in held.rows]
    hits, kept = (sum(p.holds(v) for p, v in zip(which, values, strict=True)) for which in (out, seen))
    text = (
        "\n## Rows\n\nPublished with the error that the likelihood gives it; predicted by the posterior, as a new "
        "study of that kind would print it; share of such studies below the published value; and predicted when the "
        "row's source is left out.\n\n"
    )
    text += _table("rows | what | source | published (SD) | predicted (90 %) | below | left out (90 %)", lines)
    text += (
        f"\n90 % intervals hold {kept} of {len(values)} rows, and {hits} of {len(values)} ({hits / len(values):.0%}) "
        "when the source is left out.\n\n### CRPS of left-out rows\n\n"
    )
    pairs = {"nothing changes": 0, "mean of the class in other sources": 1}
    lines = []
    for name, k in pairs.items():
        there = [j for j, rival in enumerate(rivals) if rival[k] is not None]
        scale = np.array([held.sd[j] for j in there])
        mine = np.array([out[j].crps for j in there]) / scale
        theirs = np.array([rivals[j][k] for j in there], dtype=float) / scale
        lines.append(f"{name} | {len(there)} | {mine.mean():.2f} | {theirs.mean():.2f} | {(mine < theirs).mean():.0%}")
    return text + _table(
        "baseline | rows | model, in SD of the row | baseline | rows in which the model is better", lines
    )


def _simulated(ranks: np.ndarray) -> str:
    names = [one.key for one in design.SCALED] + [f"between studies, {kind}" for kind in CLASSES]
    lines, bad = [], 0
    for name, mine in zip(names, ranks.T, strict=True):
        counts, p = checks.uniformity(mine)
        bad += p < 0.01
        lines.append(f"{name} | {' '.join(map(str, counts))} | {p:.2f}")
    return (
        f"\n## Simulation-based calibration\n\n{len(ranks)} data sets made by the model itself, from the linear "
        f"posterior as the prior; ranks of the truth in five even bins. {bad} of {len(names)} are uneven at "
        "p < 0.01.\n\n" + _table("number | ranks | p", lines)
    )


def _apart(found: Draws) -> str:
    lines = [
        f"{value:.3f} | " + ", ".join(f"{weight:+.2f} {name}" for name, weight in names)
        for value, names in checks.confounded(found)
    ]
    return (
        "\n## What the data cannot tell apart\n\nEigenvectors of the posterior correlation. Along the first two "
        "(small) the data know the combination far better than each number; along the last two (large) the numbers "
        "move together, and the data cannot tell by how much.\n\n"
        + _table("eigenvalue | numbers that make most of it", lines)
    )


def _unused(unused: dict[str, int]) -> str:
    lines = [f"{count} | {reason}" for reason, count in sorted(unused.items(), key=lambda item: -item[1])]
    return "\n## Rows of calibration.csv\n\nEach with its use or reason in `hierarchical_rows.csv`.\n\n" + _table(
        "rows | use", lines
    )
