"""Every number of the science: value, unit, spread, source, place, method, status.

`load` returns a released set, `recording` notes which numbers a run has rested on, `citations` prints their papers.
"""

from eutonia.parameters import citations as citations
from eutonia.parameters.catalogue import Product as Product
from eutonia.parameters.catalogue import product as product
from eutonia.parameters.catalogue import products as products
from eutonia.parameters.catalogue import pump_models as pump_models
from eutonia.parameters.folders import digests as digests
from eutonia.parameters.folders import sets as sets
from eutonia.parameters.library import Constants as Constants
from eutonia.parameters.library import ParameterSet as ParameterSet
from eutonia.parameters.library import active as active
from eutonia.parameters.library import beneath as beneath
from eutonia.parameters.library import given_beside as given_beside
from eutonia.parameters.library import load as load
from eutonia.parameters.library import register as register
from eutonia.parameters.library import remembered as remembered
from eutonia.parameters.library import using as using
from eutonia.parameters.overrides import RecordOverride as RecordOverride
from eutonia.parameters.record import Parameter as Parameter
from eutonia.parameters.record import Spread as Spread
from eutonia.parameters.used import Used as Used
from eutonia.parameters.used import recording as recording
from eutonia.parameters.used import unrecorded as unrecorded
