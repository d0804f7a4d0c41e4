"""People with boluses alone are taken together: their steps are those that reading them one by one makes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from eutonia.drug.exposure import Records
from eutonia.drug.exposure.records import DOSE, OBSERVATION
from eutonia.drug.exposure.steps import Courses, joined
from eutonia.drug.exposure.timeline import courses, steps_of

pytestmark = pytest.mark.unit

HOURS = (0.0, 0.0, 1e-12, 0.25, 0.7, 1.0, 4.0, 8.0, 24.0)


def person(luck: np.random.Generator, number: int) -> list[dict[str, float]]:
    """Records of one person; times that meet, doses of nothing, lags and many additional doses among them."""
    now, rows = float(luck.choice([0.0, -3.5, 100.0, 1e5])), []
    for _ in range(luck.integers(1, 12)):
        row = {"person": number, "time": now, "evid": int(luck.choice([0, 0, 0, 1, 1, 2]))}
        if row["evid"] == DOSE:
            row |= {
                "amount": float(luck.choice([5.0, 10.0, 0.1])),
                "bioavailability": float(luck.choice([1.0, 0.7, 0.0])),
            }
            row |= {"into": int(luck.integers(0, 2)), "lag": float(luck.choice([0.0, 0.0, 1e-13, 0.5, 4.0, 30.0]))}
            if luck.random() < 0.5:
                row |= {
                    "additional": int(luck.choice([1, 2, 7])),
                    "interval": float(luck.choice([1e-10, 0.7, 1.0, 8.0])),
                }
            if luck.random() < 0.1:
                row |= {"rate": 3.0}
        elif luck.random() < 0.02:
            row |= {"evid": 3}
        rows.append(row)
        now += float(luck.choice(HOURS))
    return rows


def records(seed: int, people: int = 40) -> Records:
    luck = np.random.default_rng(seed)
    rows = [row for number in range(people) for row in person(luck, number)]
    plain = {
        "amount": 0.0,
        "bioavailability": 1.0,
        "into": 0,
        "lag": 0.0,
        "additional": 0,
        "interval": 0.0,
        "rate": 0.0,
    }
    names = ("person", "time", "evid", *plain)
    return Records.of(**{name: [row.get(name, plain.get(name)) for row in rows] for name in names})


def of_person(found: Courses, number: int) -> dict[str, object]:
    """The steps of one person, counted from 0."""
    first, length = int(found.first[number]), int(found.lengths[number])
    here = slice(first, first + length)
    told: dict[str, object] = {
        "hours": found.hours[here].tolist(),
        "rows": found.rows[here].tolist(),
        "infused": found.rates[found.infusing[here]].tolist(),
    }
    for name, more in (("dosed", ("into", "amounts")), ("seen", ("observed",)), ("emptied", ())):
        places = getattr(found, name)
        which = np.flatnonzero((places >= first) & (places < first + length))
        told[name] = (places[which] - first).tolist()
        told |= {one: getattr(found, one)[which].tolist() for one in more}
    return told


@pytest.mark.parametrize("seed", range(12))
def test_people_taken_together_have_the_steps_of_people_taken_one_by_one(seed: int) -> None:
    given = records(seed)
    together = courses(given, 2)
    assert together.lengths.sum() == len(together.hours)
    for number, (first, end) in enumerate(given.spans()):
        assert of_person(together, number) == of_person(steps_of(given, first, end, 2), 0), number


def test_three_doses_due_at_one_time_enter_in_the_order_of_the_rules() -> None:
    """Sums of floats depend on their order: whoever has three at once is read one by one."""
    columns = {
        "time": [0.0, 0.0, 0.0, 8.0, 9.0],
        "evid": [1, 1, 1, 0, 0],
        "amount": [0.1, 0.2, 0.3, 0, 0],
        "additional": [3, 3, 3, 0, 0],
        "interval": [8.0, 4.0, 2.0, 0, 0],
    }
    given = Records.of(**columns)
    assert of_person(courses(given, 2), 0) == of_person(steps_of(given, 0, 5, 2), 0)


def test_people_who_are_given_the_same_share_their_steps_and_keep_their_rows() -> None:
    columns = {
        "time": [0.0, 1.0, 2.0],
        "evid": [DOSE, OBSERVATION, OBSERVATION],
        "amount": [10.0, 0, 0],
        "rate": [5.0, 0, 0],
    }
    given = Records.of(person=np.repeat([0, 1, 2], 3), **{name: 3 * one for name, one in columns.items()})
    found = courses(given, 1)
    assert [of_person(found, i)["observed"] for i in range(3)] == [[1, 2], [4, 5], [7, 8]]
    alone = [steps_of(given, first, end, 1) for first, end in given.spans()]
    for field in dataclasses.fields(Courses):
        if field.name not in ("steady", "infusing", "rates"):
            assert np.array_equal(getattr(found, field.name), getattr(joined(alone), field.name)), field.name
