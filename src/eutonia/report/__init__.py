"""Files out of a result: terminal table, page, and the tidy files beside it. Translates; computes no physiology."""

from eutonia.report.files import write as write
from eutonia.report.page import html as html
from eutonia.report.trial.tables import show as show
