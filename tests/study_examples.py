"""Parts of study files that several tests share."""

from __future__ import annotations

from pathlib import Path

_STUDIES = Path(__file__).parents[1] / "studies"


def walkers() -> str:
    """Return the shipped study of walkers with four people, two days up to relief and a month on a pump."""
    text = (_STUDIES / "kofler_2009.toml").read_text(encoding="utf-8").partition("[[published]]")[0]
    shorter = {
        "n = 8\n": "n = 4\npool = 1024\n",
        '"0 day", "7 day", "14 day", "28 day", "40 day"': '"0 day", "2 day"',
        '"40 day"': '"2 day"',
        '"3 month", "12 month"': '"1 month"',
    }
    for long, short in shorter.items():
        assert long in text, long
        text = text.replace(long, short)
    return text


def tablets_begun() -> str:
    """Return the shipped case of tablets up to its first month of them, looked at every eight weeks."""
    text = (_STUDIES / "case_ischaemic_tablets.toml").read_text(encoding="utf-8").partition("# --- Month 14")[0]
    return text.replace('"24 month"', '"150 day"').replace('"7 day"', '"56 day"')


# A case: who, and an infarct.
ANNA = """\
[study]
name = "anna"
title = "A made-up person"
kind = "case"
seed = 4
[patient]
age = "60 year"
weight = "70 kg"
sex = "woman"
creatinine_clearance = "90 mL/min"
side = "left"
[lesion]
kind = "ischaemic"
territory = "M1 trunk"
extent = 0.8
"""
# Her leg as it was charted, and the pump that she gets three weeks later.
ANNAS_PUMP = """\
[[charted]]
at = "100 day"
scale = "ashworth"
limb = "leg"
score = 3.2
[pump]
model = "SynchroMed II"
product = "Lioresal Intrathecal"
implanted = "120 day"
reservoir = "20 mL"
concentration = "500 ug/mL"
alarm_volume = "2 mL"
tip = "T10"
"""
# Of [population]: people years after a stroke.
STROKE = """\
origin = "stroke"
lesions = "stroke survivors"
women = 0.5
age = { mean = "60 year", sd = "12 year", min = "25 year", max = "85 year" }
weight = { mean = "70 kg", sd = "12 kg", min = "45 kg", max = "110 kg" }
creatinine_clearance = { mean = "90 mL/min", sd = "20 mL/min", min = "50 mL/min", max = "150 mL/min" }
time_since_onset = { mean = "24 month", sd = "12 month", min = "6 month", max = "60 month" }
"""
# A test bolus, in an arm.
TEST_BOLUS = """\
[[phase.arm.treatment]]
product = "Lioresal Intrathecal"
route = "intrathecal bolus"
dose = "50 ug"
at = "0 hour"
access = "lumbar puncture"
"""
# An arm with it, or a sham of it, by name and "true" or "false".
BOLUS_ARM = '\n[[phase.arm]]\nname = "{name}"\nplacebo = {placebo}\n' + TEST_BOLUS
# A parallel phase of six weeks: tablets against placebo, from which people may leave.
SIX_WEEKS_OF_TABLETS = """\
[[phase]]
name = "only"
design = "parallel"
masking = "double blind"
visits = ["0 week", "2 week", "6 week"]
nonspecific = false
dropout = true
[[phase.arm]]
name = "placebo"
placebo = true
[[phase.arm]]
name = "tablets"
[[phase.arm.treatment]]
product = "baclofen tablets"
route = "oral"
dose = "10 mg"
every = "8 hour"
"""


def leg_trial(name: str, title: str, *, seed: int, n: int, pool: int, at_least: float, rater: str) -> str:
    """Return a trial in people after a stroke whose leg is spastic, and charted, up to its phases."""
    return f"""
[study]
name = "{name}"
title = "{title}, for tests"
kind = "trial"
seed = {seed}
[population]
n = {n}
pool = {pool}
{STROKE}
[[population.entry]]
scale = "ashworth"
limb = "leg"
at_least = {at_least:g}
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["ashworth", "adverse"]
rater = "{rater}"
"""
