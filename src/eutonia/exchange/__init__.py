"""Files in and out of other programs: dosing tables, pump programs, models. Computes no physiology."""

from eutonia.exchange.adam import read_result as read_result
from eutonia.exchange.adam_files import write_adam as write_adam
from eutonia.exchange.export import Dosing as Dosing
from eutonia.exchange.export import equations as equations
from eutonia.exchange.export import export as export
from eutonia.exchange.export import models as models
from eutonia.exchange.export import write as write
from eutonia.exchange.exposure import expose as expose
