"""Models for other programs, and files from people. Translates records and structures; computes no physiology."""

from eutonia.exchange.export import Dosing as Dosing
from eutonia.exchange.export import equations as equations
from eutonia.exchange.export import export as export
from eutonia.exchange.export import models as models
from eutonia.exchange.export import write as write
