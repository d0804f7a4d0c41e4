"""Kinetics of baclofen by pump, lumbar puncture and mouth: linear, exact for any step, patients as last axis."""

from eutonia.drug.kinetics.geometry import LEVELS as LEVELS
from eutonia.drug.kinetics.geometry import CordSegment as CordSegment
from eutonia.drug.kinetics.geometry import SpinalGeometry as SpinalGeometry
from eutonia.drug.kinetics.intrathecal import Intrathecal as Intrathecal
from eutonia.drug.kinetics.model import Kinetics as Kinetics
from eutonia.drug.kinetics.model import StepPlan as StepPlan
from eutonia.drug.kinetics.oral import Blood as Blood
from eutonia.drug.kinetics.oral import Dialysis as Dialysis
from eutonia.drug.kinetics.state import Balance as Balance
from eutonia.drug.kinetics.state import Exposure as Exposure
from eutonia.drug.kinetics.state import KineticState as KineticState
from eutonia.drug.kinetics.state import Levels as Levels
from eutonia.drug.kinetics.values import IntrathecalValues as IntrathecalValues
from eutonia.drug.kinetics.values import OralValues as OralValues
