"""The implanted pump as a device: flows, tubing, programs, faults, dates and rules; every change exact in time."""

from eutonia.drug.pump.course import Delivery as Delivery
from eutonia.drug.pump.course import Found as Found
from eutonia.drug.pump.course import Happening as Happening
from eutonia.drug.pump.course import play as play
from eutonia.drug.pump.dates import Date as Date
from eutonia.drug.pump.dates import next_dates as next_dates
from eutonia.drug.pump.device import Device as Device
from eutonia.drug.pump.device import Interval as Interval
from eutonia.drug.pump.implant import Piece as Piece
from eutonia.drug.pump.implant import Pump as Pump
from eutonia.drug.pump.program import Program as Program
from eutonia.drug.pump.program import ProgramStep as ProgramStep
from eutonia.drug.pump.therapy import Therapy as Therapy
from eutonia.drug.pump.tubing import Tube as Tube
