"""What predicts how far people improve, among virtual people: what a chart holds, and what only the model knows.

Equation
    improvement = a + sum over k of b_k x_k + rest ;  the share explained is that of `statistics.explained`, adjusted
for one predictor alone, for all that a chart holds, and for these with what only the model knows.
Assumptions: straight lines, no interactions; the people of all replicate trials who were given the drug, together.
Not for: prediction in a person. What is left is luck of raters and reports, and what no straight line tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eutonia.statistics.explained import explained

if TYPE_CHECKING:
    import polars

# Columns of a table of people that are known before treatment (`recruitment.known_of`), besides entry scores.
_OF_CHART = (
    "age_year",
    "sex",
    "weight_kg",
    "creatinine_clearance_ml_per_min",
    "months_since_onset",
    "side",
    "lesion",
    "lesion_place",
    "lesion_volume_ml",
)
# The model's own numbers, which no chart holds (`recruitment.features_of`).
_OF_MODEL = ("bias_leg", "bias_arm", "strength_leg", "contracture_leg", "ec50")
#: Rows of several predictors together.
CHART, ALL = "chart", "chart and model"
# Fewer people than these tell nothing.
_FEWEST = 8


def predictor_table(people: polars.DataFrame | None, drug_arms: list[str]) -> polars.DataFrame | None:
    """Return predictor, known ("chart" or "model"), n and explained, 0 to 1: one row a predictor, then all together.

    `people` is a table of people with `response_improvement`; `drug_arms` are the arms whose people are looked at.
    None where hardly any of them was seen twice. What somebody lacks, such as the volume of a cord injury, is left out.
    """
    import polars as pl

    if people is None or "response_improvement" not in people.columns:
        return None
    seen = people.filter(pl.col("response_arm").is_in(drug_arms) & pl.col("response_improvement").is_not_null())
    improvement = seen["response_improvement"].to_numpy().astype(float)
    if len(improvement) < _FEWEST:
        return None
    named = {name: kind for name in seen.columns if (kind := known_by(name)) and seen[name].dtype.is_numeric()}
    columns = {name: seen[name].to_numpy().astype(float) for name in named}
    columns = {name: x for name, x in columns.items() if np.isfinite(x).all()}
    rows = [(name, named[name], explained(improvement, [x])) for name, x in columns.items()]
    of_chart = [x for name, x in columns.items() if named[name] == CHART]
    rows += [
        (CHART, CHART, explained(improvement, of_chart)),
        (ALL, "model", explained(improvement, [*columns.values()])),
    ]
    schema = {"predictor": pl.String, "known": pl.String, "explained": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.lit(len(improvement)).alias("n"))


def known_by(name: str) -> str | None:
    """Return who knows a column before treatment: the chart, or the model alone; None for what comes after."""
    if name in _OF_CHART or name.startswith("baseline_"):
        return CHART
    return "model" if name in _OF_MODEL else None
