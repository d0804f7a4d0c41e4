"""Invented results with the shape of real ones, for the report's tests: a crossover with a pump phase, and one case.

Every number here is made up. Nothing in it is evidence about baclofen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import xarray as xr

from eutonia.trial.result import ConsortRow, Published, Quantity, StudyResult, Zoom
from eutonia.trial.scores import ScoreTable

MONTH_H = 730.5
SOURCE = "Meythaler_2001"
_HOURS = (0.0, 1.0, 2.0, 4.0, 6.0, 24.0)
_MONTHS = (0.0, 1.0, 3.0, 6.0, 9.0, 12.0)
#: limb, scale: entry mean, floor, published (mean, sd) after bolus, published (mean, sd) after a year
_SCALES: dict[tuple[str, str], tuple[float, float, tuple[float, float], tuple[float, float]]] = {
    ("leg", "ashworth"): (3.3, 1.0, (1.4, 0.7), (1.8, 1.1)),
    ("leg", "spasm"): (1.2, 0.0, (0.1, 0.3), (0.6, 1.0)),
    ("leg", "reflex"): (2.1, 0.0, (0.1, 0.5), (1.0, 1.3)),
    ("arm", "ashworth"): (2.8, 1.0, (1.8, 0.8), (1.8, 0.9)),
    ("arm", "spasm"): (0.7, 0.0, (0.2, 0.4), (0.3, 0.8)),
    ("arm", "reflex"): (2.1, 0.0, (1.2, 0.9), (1.5, 1.2)),
}


def run_record(**more: Any) -> dict[str, Any]:
    """Return what a run says about itself."""
    return {
        "version": "0.1.0",
        "seed": 20010911,
        "study_digest": "9c3f5d0e7a1b44c2a6f1e8d09b7c55aa",
        "parameter_sets": ["intrathecal", "effect", "spinal", "assessment"],
        "counts_by_status": {"verified": 34, "secondary": 11, "derived": 22, "recalled": 6, "fitted": 14, "assumed": 9},
        "precision": "float64",
        "platform": "Linux x86_64, CPU, jax 0.4.35",
        "wall_time_s": 83.4,
        "command": "eutonia run studies/meythaler_2001.toml",
        "sources": [
            {
                "key": SOURCE,
                "text": "Meythaler JM, Guin-Renfroe S, Brunner RC, Hadley MN. Intrathecal baclofen for spastic "
                "hypertonia from stroke. Stroke 2001;32:2099-2109. doi 10.1161/hs0901.095682",
            },
            {"key": "Penn_1989", "text": "Penn RD et al. Intrathecal baclofen for severe spinal spasticity. 1989."},
            {"key": "Heetla_2009", "text": "Heetla HW et al. Tolerance to continuous intrathecal baclofen. 2009."},
        ],
        "assumed": [
            {
                "set": "effect",
                "name": "endogenous_tone",
                "value": 60.0,
                "unit": "ng/mL",
                "note": "Only source of rebound.",
            },
            {
                "set": "effect",
                "name": "fast_tolerance_time",
                "value": 3.0,
                "unit": "day",
                "note": "Not identified by data.",
            },
            {"set": "spinal", "name": "rater_sd", "value": 0.4, "unit": "", "note": "Between raters, one sitting."},
        ],
        **more,
    }


def _kernel(time_h: float) -> float:
    """Return a made-up time course of the effect of a bolus, 0 to 1."""
    return float((1 - np.exp(-time_h / 1.6)) * np.exp(-((time_h / 17) ** 2)))


def trial_visits(replicates: int = 60, n: int = 21, seed: int = 7) -> pl.DataFrame:
    """Return made-up scores of a crossover (bolus against saline) and of a year with a pump."""
    draw = np.random.default_rng(seed)
    frames = []
    who = np.arange(replicates * n)
    strength = draw.beta(5, 2, who.size)
    for (limb, scale), (entry, floor, _, _) in _SCALES.items():
        own = np.clip(draw.normal(entry, 1.0, who.size), floor, floor + 4)
        plans = [("bolus", arm, _HOURS, 1.0, "hour") for arm in ("baclofen", "saline")]
        plans.append(("pump", "infusion", _MONTHS, MONTH_H, "month"))
        for phase, arm, times, length, word in plans:
            for step in times:
                effect = _kernel(step) if phase == "bolus" else 0.75 * (1 - np.exp(-step / 1.5))
                effect = effect * (0.08 if arm == "saline" else 1.0) * (0.62 if limb == "arm" else 0.95)
                score = own - (own - floor) * effect * strength + draw.normal(0, 0.12, who.size)
                frames.append(
                    pl.DataFrame(
                        {
                            "patient": who % n + 1,
                            "replicate": who // n,
                            "phase": phase,
                            "arm": arm,
                            "visit": f"{step:g} {word}",
                            "time_h": step * length,
                            "limb": limb,
                            "scale": scale,
                            "item": "mean",
                            "score": np.clip(np.round(score * 5) / 5, floor, floor + 4),
                            "rater": "human",
                        }
                    )
                )
    return pl.concat(frames)


def _published(limb: str, scale: str, phase: str, time_h: float) -> Published | None:
    entry, _, bolus, pump = _SCALES[limb, scale]
    if phase == "bolus" and time_h == 6.0:
        return Published(bolus[0], bolus[1], 21, 0.0001, SOURCE, "verified", "affected side", entry)
    if phase == "pump" and time_h == 12 * MONTH_H:
        return Published(pump[0], pump[1], 17, 0.0001, SOURCE, "verified", "open phase", entry + 0.3)
    return None


def quantities_of(visits: pl.DataFrame) -> tuple[Quantity, ...]:
    """Return replicate means with their interval, and the published values beside them."""
    by = ["phase", "arm", "limb", "scale", "visit", "time_h"]
    trial = visits.group_by([*by, "replicate"], maintain_order=True).agg(
        pl.col("score").mean().alias("mean"), pl.col("score").std().alias("sd"), pl.len().alias("n")
    )
    rows = trial.group_by(by, maintain_order=True).agg(
        pl.col("mean").mean(),
        pl.col("mean").quantile(0.025).alias("low"),
        pl.col("mean").quantile(0.975).alias("high"),
        pl.col("sd").mean(),
        pl.col("n").mean(),
    )
    entry = {
        (r["phase"], r["arm"], r["limb"], r["scale"]): r["mean"]
        for r in rows.filter(pl.col("time_h") == 0).iter_rows(named=True)
    }
    found = [
        Quantity(
            **{**r, "name": "", "statistic": "mean", "unit": "score"},
            baseline_mean=entry[r["phase"], r["arm"], r["limb"], r["scale"]],
            published=None if r["arm"] == "saline" else _published(r["limb"], r["scale"], r["phase"], r["time_h"]),
        )
        for r in rows.iter_rows(named=True)
    ]
    implanted = Published(81.0, None, 21, None, SOURCE, "derived", "17 of 21")
    dose = Published(268.0, None, None, None, SOURCE, "verified", "")
    year = ("12 month", 12 * MONTH_H)
    more = [
        Quantity(
            "Implanted", "bolus", "baclofen", None, "gate", "", 24.0, "share", 84.0, None, 21, 66.7, 95.2,
            unit="%", published=implanted,
        ),
        Quantity(
            "Mean continuous dose", "pump", "infusion", None, "dose", *year, "dose", 231.0, 70.0, 17, 205.0, 259.0,
            unit="ug/day", published=dose,
        ),
    ]  # fmt: skip
    return tuple(found + more)


def consort() -> tuple[ConsortRow, ...]:
    """Return a made-up flow of patients with everything a flow can hold."""
    return (
        ConsortRow("Drawn from the population", None, 412.3, 301, 566),
        ConsortRow("Not eligible", None, 391.3, 280, 545, "fewer than two leg muscle groups at Ashworth 3"),
        ConsortRow("Randomised to an order", None, 21, 21, 21),
        ConsortRow("Bolus, given", "baclofen", 21, 21, 21),
        ConsortRow("Bolus, given", "saline", 20.6, 20, 21),
        ConsortRow("Not completed", "saline", 0.4, 0, 1, "withdrew between the two days"),
        ConsortRow("Bolus, analysed", "baclofen", 21, 21, 21),
        ConsortRow("Bolus, analysed", "saline", 20.6, 20, 21),
        ConsortRow("Gate not met", None, 3.4, 1, 7, "leg Ashworth or spasm score fell by less than 2 points"),
        ConsortRow("Pump implanted", None, 17.6, 14, 20),
        ConsortRow("Pump stopped", None, 0.7, 0, 2, "infection or catheter"),
        ConsortRow("Pump, analysed at 12 months", None, 16.9, 13, 20),
    )


def trial(**changes: Any) -> StudyResult:
    """Return the made-up trial; `changes` replaces any field."""
    visits = trial_visits()
    draw = np.random.default_rng(11)
    n = 2000
    load, base, age = draw.beta(2, 2, n), np.clip(draw.normal(3.3, 0.8, n), 1, 5), draw.normal(58, 12, n)
    chance = 1 / (1 + np.exp(-(3.2 - 5 * load + 0.9 * (base - 3.3))))
    people = pl.DataFrame(
        {
            "patient": np.arange(n),
            "responder": draw.random(n) < chance,
            "baseline_leg": base,
            "age_year": age,
            "lesion_volume_ml": load,
            "months_since_onset": draw.gamma(2, 12, n) + 6,
            "lesion": draw.choice(["ischaemic", "haemorrhagic"], n, p=[0.8, 0.2]),
            "sex": draw.choice(["woman", "man"], n),
        }
    )
    months = np.arange(0, 12.01, 0.25)
    dose = 100 + 131 * (1 - np.exp(-months / 3))
    doses = pl.DataFrame(
        {
            "time_h": months * MONTH_H,
            "phase": "pump",
            "arm": "infusion",
            "mean": dose,
            "low": dose * 0.9,
            "high": dose * 1.12,
            "unit": "ug/day",
        }
    )
    reactions = [("Drowsiness", 0.12, 0.03, 0.19), ("Hypotonia", 0.07, 0.01, 0.18), ("Headache", 0.11, 0.03, 0.14),
                 ("Nausea", 0.05, 0.02, 0.08), ("Urinary retention", 0.03, 0.0, 0.05)]  # fmt: skip
    adverse = pl.DataFrame(
        [
            {
                "reaction": name,
                "phase": phase,
                "arm": arm,
                "share": share,
                "low": share * 0.4,
                "high": min(1.0, share * 2 + 0.02),
            }
            for name, active, none, pump in reactions
            for phase, arm, share in (
                ("bolus", "baclofen", active),
                ("bolus", "saline", none),
                ("pump", "infusion", pump),
            )
        ]
    )
    course = xr.Dataset(
        {"dose_rate": (("patient", "time_h"), np.tile(dose / 24, (3, 1)), {"units": "ug/h", "long_name": "Pump rate"})},
        coords={"time_h": ("time_h", months * MONTH_H, {"units": "h"}), "patient": [0, 1, 2]},
    )
    fields: dict[str, Any] = {
        "title": "Intrathecal baclofen for spastic hypertonia after stroke",
        "kind": "trial",
        "study_name": "meythaler_2001",
        "description": "Double-blind crossover of one 50 ug lumbar bolus against saline in 21 stroke survivors; those "
        "who responded had a pump for twelve months.",
        "quantities": quantities_of(visits),
        "consort": consort(),
        "scores": ScoreTable.of(visits),
        "doses": doses,
        "course": course,
        "run": run_record(replicates=60, patients=21),
        "adverse": adverse,
        "patients": people,
        "endpoint": "A person responds whose leg Ashworth falls by 1 or more, from 0 hour to 6 hour.",
        "responders": pl.DataFrame(
            [
                ("leg Ashworth falls by 1 or more", "bolus", "baclofen", False, 21.0, 0.62, 0.43, 0.81),
                ("leg Ashworth falls by 1 or more", "bolus", "saline", True, 21.0, 0.05, 0.0, 0.14),
            ],
            schema=["rule", "phase", "arm", "placebo", "n", "share", "low", "high"],
            orient="row",
        ),
    }
    return StudyResult(**{**fields, **changes})


def _case_course() -> xr.Dataset:
    """Return a made-up course of 24 months, hourly, with a test bolus, a missed refill and a restart."""
    time = np.unique(np.concatenate([np.arange(0, 48, 0.1), np.arange(48, 24 * MONTH_H, 1.0)]))
    implant, dry, restart = 14 * 24.0, 14 * MONTH_H, 14 * MONTH_H + 5 * 24
    month = time / MONTH_H
    running = (time >= implant) & ~((time >= dry) & (time < restart))
    rate = np.where(running, (100 + 160 * (1 - np.exp(-(month - 0.5) / 5))) / 24, 0.0)
    leg = np.convolve(rate, np.exp(-np.arange(0, 72) / 9.0), mode="full")[: time.size] * 2.2
    leg += 600 * _bolus(time, 8.0) + 1e-3
    receptor = leg**2.2 / (leg**2.2 + 160**2.2)
    sensitivity = 1 - 0.3 * (1 - np.exp(-np.maximum(month - 0.5, 0) / 6))
    effect = receptor * sensitivity
    rebound = 0.5 * ((time >= dry + 20) & (time < restart + 12)) * (1 - np.exp(-(time - dry) / 20))
    bias = np.stack([4.5 - 5.2 * effect, 3.2 - 3.1 * effect]) + rebound
    steps = np.full_like(bias, np.nan)
    examined = np.isin(np.arange(time.size), np.searchsorted(time, np.arange(0, 24 * MONTH_H, 21 * 24)))
    steps[:, examined] = np.clip(1 + np.round(np.clip(bias[:, examined], 0, 4) * 5) / 5, 1, 5)

    def one(series: np.ndarray, units: str, name: str) -> tuple[tuple[str, ...], np.ndarray, dict[str, str]]:
        dims = ("patient", "limb", "time_h") if series.ndim == 2 else ("patient", "time_h")
        return dims, series[None], {"units": units, "long_name": name}

    lesion = one(np.stack([np.full(time.size, 4.5), np.full(time.size, 3.2)]), "mV", "Tone of the lesion")
    return xr.Dataset(
        {
            "dose_rate": one(rate * 24, "ug/day", "Pump rate"),
            "csf_leg": one(leg, "ng/mL", "CSF at the leg segments"),
            "csf_arm": one(leg / 3, "ng/mL", "CSF at the arm segments"),
            "csf_brain": one(leg / 9, "ng/mL", "CSF at the brain"),
            "plasma": one(leg / 120, "ng/mL", "Plasma"),
            "receptor_occupancy": one(np.stack([receptor, receptor * 0.5]), "1", "Receptor occupancy"),
            "sensitivity": one(sensitivity, "1", "Receptor sensitivity"),
            "bias": one(bias, "mV", "Tone"),
            "untreated_bias": (*lesion[:2], lesion[2] | {"valid_max": 5.0}),
            "ashworth": one(steps, "score", "Ashworth"),
            "risk_drowsiness": one(0.02 + 0.2 * (leg / 9 / (leg / 9 + 60)), "1", "Drowsiness"),
            "risk_withdrawal": one(np.clip(rebound, 0, 1), "1", "Withdrawal"),
        },
        coords={"time_h": ("time_h", time, {"units": "h"}), "patient": [0], "limb": ["leg", "arm"]},
    )


def _bolus(time: np.ndarray, at: float) -> np.ndarray:
    after = np.maximum(time - at, 0)
    return np.where(time >= at, np.exp(-after / 4) * (1 - np.exp(-after / 0.4)), 0.0)


def case(**changes: Any) -> StudyResult:
    """Return the made-up case: two years with a pump; `changes` replaces any field."""
    course = _case_course().assign_attrs(treated_from_h=8.0)
    events = (
        (8.0, "Test bolus 50 ug"),
        (14 * 24.0, "Pump implanted, 100 ug/day"),
        *((14 * 24.0 + k * 120 * 24.0, f"Refill {k}") for k in (1, 2, 3)),
        (11 * MONTH_H, "Rate to 240 ug/day"),
        (14 * MONTH_H, "Reservoir empty: refill missed"),
        (14 * MONTH_H + 5 * 24, "Refilled, restarted"),
        (19 * MONTH_H, "Creatinine clearance 40 mL/min"),
        (21 * MONTH_H, "Refill 5"),
    )
    scores = course["ashworth"].isel(patient=0).to_series().dropna().reset_index()
    visits = pl.DataFrame(
        {
            "patient": 0,
            "replicate": 0,
            "phase": "course",
            "arm": "",
            "visit": [f"{time_h / 24:.0f} day" for time_h in scores["time_h"]],
            "time_h": scores["time_h"].to_numpy(),
            "limb": scores["limb"].to_list(),
            "scale": "ashworth",
            "item": "mean",
            "score": scores["ashworth"].to_numpy(),
            "rater": "human",
        }
    )
    quantities = tuple(
        Quantity(
            "",
            "course",
            "",
            r["limb"],
            r["scale"],
            r["visit"],
            r["time_h"],
            "mean",
            r["score"],
            None,
            1,
            r["score"],
            r["score"],
        )
        for r in visits.iter_rows(named=True)
    )
    fields: dict[str, Any] = {
        "title": "A pump that ran dry",
        "kind": "case",
        "study_name": "dry_pump",
        "description": "A woman of 62, stroke in the left middle cerebral artery; test bolus, pump, a missed refill.",
        "quantities": quantities,
        "consort": (),
        "scores": ScoreTable.of(visits),
        "doses": pl.DataFrame(schema={"time_h": pl.Float64, "phase": pl.String, "arm": pl.String, "mean": pl.Float64,
                                      "low": pl.Float64, "high": pl.Float64, "unit": pl.String}),
        "course": course,
        "run": run_record(command="eutonia run studies/dry_pump.toml"),
        "events": events,
        "zooms": (Zoom("Test bolus day", 0, 48), Zoom("The missed refill", 14 * MONTH_H - 48, 14 * MONTH_H + 240)),
    }  # fmt: skip
    return StudyResult(**{**fields, **changes})
