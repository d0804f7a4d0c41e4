"""Files in and out of other programs: dosing tables with the pharmacometric columns."""

from eutonia.exchange.events import Events as Events
from eutonia.exchange.events import read_events as read_events
from eutonia.exchange.exposure import expose as expose
