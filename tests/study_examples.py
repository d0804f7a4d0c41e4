"""Parts of study files that several tests share."""

from __future__ import annotations

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
