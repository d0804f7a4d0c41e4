"""What the fit of the drug moves, what it is held to, and what it may not pass; see `drug.py`."""

from __future__ import annotations

from dataclasses import dataclass

from cohorts import Study

from eutonia import parameters


@dataclass(frozen=True)
class Fitted:
    """A fitted number: middle and SD of the logarithm of its prior, and the record that holds it."""

    name: str
    middle: float
    prior: float
    set: str
    unit: str

    @property
    def shipped(self) -> float:
        """The value of its record."""
        return parameters.load(self.set).value(self.name, self.unit)


PARAMETERS = (
    Fitted("fast_effect_rate", 0.27, 1.0, "intrathecal", "1/h"),
    Fitted("slow_effect_rate", 0.55, 0.7, "intrathecal", "1/h"),
    Fitted("ec50", 153.0, 0.8, "receptor", "ng/mL"),
    # A potassium channel opens when up to four receptor signals meet: steeper than about 5 would not be a receptor.
    Fitted("hill", 3.3, 0.2, "receptor", "1"),
    Fitted("release_block", 0.85, 0.1, "receptor", "1"),
    Fitted("pool_spread", 0.40, 0.4, "receptor", "1"),
    Fitted("hyperpolarisation", 4.6, 0.5, "receptor", "mV"),
    Fitted("leg_to_arm", 0.6, 0.6, "receptor", "1"),
    Fitted("fast_shift", 0.46, 0.7, "receptor", "1"),
    Fitted("slow_shift", 1.8, 0.7, "receptor", "1"),
    Fitted("contracture_stroke", 1.0, 1.0, "tone", "1"),
    Fitted("contracture_log_spread", 0.8, 0.4, "tone", "1"),
    Fitted("lumbar_puncture_spread", 0.19, 0.5, "intrathecal", "1"),
    Fitted("grades_per_probit", 1.0, 0.5, "reflex", "1"),
    Fitted("decades_per_bias", 1.0, 0.5, "spasm", "1/mV"),
    Fitted("tone_potency", 0.6, 0.7, "receptor", "1"),
    Fitted("acute_shift", 0.8, 0.7, "receptor", "1"),
    Fitted("terminal_tolerance", 0.4, 0.7, "receptor", "1"),
    Fitted("acute_time", 4.0, 0.5, "receptor", "h"),
    Fitted("drive_share", 0.2, 0.7, "receptor", "1"),
    Fitted("dispersion", 300.0, 0.8, "intrathecal", "cm^2/h"),
    Fitted("csf_clearance_rate", 0.3, 0.4, "intrathecal", "1/h"),
)


@dataclass(frozen=True)
class Target:
    """A published number: rows of calibration.csv, value, tolerance (SD), and the key of the prediction."""

    key: str
    rows: str
    value: float
    sd: float


TARGETS = (
    Target("spinal fluid: half-life in the first 4 h", "CSF001", 1.51, 0.15),
    Target("spinal fluid: sac to cistern, tip T10", "CSF004", 4.0, 0.5),
    Target("spinal fluid: apparent clearance mL/h", "CSF002 CSF003", 30.0, 3.0),
    Target("spinal fluid: hour of the peak in the cistern", "Dyke 2020", 2.0, 0.7),
    Target("H/M fall, lumbar puncture, 15 min", "RFX016", 0.30, 0.12),
    Target("H/M fall, lumbar puncture, 1 h", "RFX001", 0.77, 0.04),
    Target("H/M fall, lumbar puncture, 1-6 h", "RFX003", 0.91, 0.03),
    Target("H/M fall, catheter on 62 ug/d, 1 h", "RFX002", 0.63, 0.07),
    Target("H/M fall, catheter on 62 ug/d, 1-6 h", "RFX004", 0.82, 0.05),
    Target("H/M left at 30 ug/d", "RFX007", 0.75, 0.05),
    Target("H/M left at 70 ug/d", "RFX008", 0.50, 0.05),
    Target("H/M left at 110 ug/d", "RFX009", 0.25, 0.05),
    Target("H/M fall at 112 ug/d", "RFX006", 0.78, 0.05),
    Target("Ashworth fall at 15 min", "RFX018 (not yet)", 0.05, 0.10),
    Target("Ashworth fall at 60 min", "RFX018", 0.50, 0.20),
    Target("tone: hour of the peak after a bolus", "TBO007", 4.0, 0.75),
    Target("tone: share of the peak left at 8 h", "TBO005 TBO006", 0.55, 0.07),
    Target("tone: 30th daily bolus against the first", "TOL030", 1.0, 0.10),
    Target("tip T6, 3 mo: leg Ashworth change", "CSF058", -1.6, 0.35),
    Target("tip T6, 3 mo: arm Ashworth change", "CSF059 CSF060", -1.85, 0.35),
    Target("tip T11, 3 mo: leg Ashworth change", "CSF061", -1.1, 0.35),
    Target("tip T11, 3 mo: arm Ashworth change", "CSF062 CSF063", -0.5, 0.35),
    Target("infusion: share of maximum at 2 h", "TST001", 0.10, 0.10),
    Target("infusion: share of maximum at 7 h", "TST001 TST002", 0.50, 0.15),
    Target("infusion: share of maximum at 24 h", "TST003", 0.95, 0.05),
    Target("brain injury, 4 h: leg Ashworth", "TBO017", 2.2, 0.20),
    Target("brain injury, 4 h: arm Ashworth", "TBO020", 1.9, 0.25),
    Target("brain injury, 4 h: leg reflex", "TBO019", 1.0, 0.40),
    Target("brain injury, 4 h: arm reflex", "TBO022", 1.7, 0.30),
    Target("brain injury, 4 h: leg spasm", "TBO018", 1.0, 0.30),
    Target("brain injury, 4 h: arm spasm", "TBO021", 0.6, 0.30),
    Target("spinal, 3 d: leg Ashworth", "TST013", 1.2, 0.15),
    Target("spinal, 3 d: leg spasm", "TST014", 0.4, 0.25),
    Target("brain injury, 12 mo: dose ug/d", "TST005", 302.0, 25.0),
    Target("brain injury, 12 mo: leg Ashworth", "TST005", 1.7, 0.20),
    Target("brain injury, 12 mo: arm Ashworth", "TST008", 1.6, 0.25),
    Target("brain injury, 12 mo: leg Ashworth SD", "TST005", 0.9, 0.15),
    Target("brain injury, 12 mo: arm Ashworth SD", "TST008", 1.0, 0.20),
    Target("brain injury, 12 mo: leg reflex", "TST007", 0.1, 0.40),
    Target("brain injury, 12 mo: arm reflex", "TST010", 1.0, 0.30),
    Target("brain injury, 12 mo: leg spasm", "TST006", 0.2, 0.30),
    Target("spinal, 12 mo: dose ug/d", "TOL012", 270.0, 30.0),
    Target("spinal, 18 mo: dose ug/d", "TOL001 TOL002", 330.0, 40.0),
    Target("spinal, 36 mo: dose ug/d", "TOL002 TOL012", 350.0, 40.0),
    Target("spinal, 12 mo: leg Ashworth", "TST017 TST019", 1.5, 0.30),
)

HYPERTONIA = Study("mixed", "stroke", leg=(3.5, 1.1), arm=(3.0, 1.1))
PARAPARESIS = Study("paraparesis", "spinal", leg=(3.5, 1.0), arm=(1.5, 0.6))
BRAIN_1996 = Study("brain 1996", "stroke", leg=(4.2, 0.8), arm=(3.3, 1.3), reflex=(3.3, 2.7), spasm=(3.1, 1.8))
BRAIN_1999 = Study("brain 1999", "stroke", leg=(3.5, 1.3), arm=(2.9, 1.5), reflex=(2.5, 2.2), spasm=(1.8, 1.2))
PENN_1989 = Study("Penn 1989", "spinal", leg=(4.0, 1.0), arm=(1.5, 0.6), spasm=(3.3, 1.0))
CHILDREN_T6 = Study("children, tip T6", "stroke", leg=(3.4, 0.9), arm=(2.9, 1.0), tip="T6")
CHILDREN_T11 = Study("children, tip T11", "stroke", leg=(3.4, 0.9), arm=(2.9, 1.0), tip="T11")
COFFEY = Study("spinal, long", "spinal", leg=(3.9, 1.0), arm=(1.5, 0.6))


@dataclass(frozen=True)
class Bar:
    """Between which numbers a prediction has to stay."""

    key: str
    low: float
    high: float

    def passed_by(self, found: float) -> float:
        """Return how far a prediction is beyond the bars, or near one of them, in units of `_HARD` of what is between
        them; 0 for one that keeps them.
        """
        span = self.high - self.low
        return (max(self.low - found, found - self.high, -_NEAR * span) / span + _NEAR) / _HARD


def _removed(key: str, before: tuple[float, float]) -> Bar:
    """Return the bars of a mean Ashworth score: a tenth of the excess that there was before, beside the published."""
    published, tenth = next(one.value for one in TARGETS if one.key == key), 0.1 * (before[0] - 1.0)
    return Bar(key, published - tenth, published + tenth)


# What is near a bar, and a unit of what is beyond: shares of what lies between the two.
_NEAR, _HARD = 0.01, 0.002
#: How long a bolus lasts, how soon it comes to the cistern, what a month of boluses leaves of one, and the share of the
#: excess that mild and severe cohorts lose.
BARS = (
    Bar("tone: share of the peak left at 8 h", 0.45, 0.65),
    Bar("spinal fluid: hour of the peak in the cistern", 1.0, 3.0),
    Bar("tone: 30th daily bolus against the first", 0.85, 1.15),
    _removed("brain injury, 4 h: leg Ashworth", BRAIN_1996.leg),
    _removed("brain injury, 4 h: arm Ashworth", BRAIN_1996.arm),
    _removed("spinal, 3 d: leg Ashworth", PENN_1989.leg),
    _removed("brain injury, 12 mo: leg Ashworth", BRAIN_1999.leg),
    _removed("brain injury, 12 mo: arm Ashworth", BRAIN_1999.arm),
    _removed("spinal, 12 mo: leg Ashworth", COFFEY.leg),
)
