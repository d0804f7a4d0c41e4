"""The command line: a translator. No science and no defaults of the science live here; heavy imports happen when
needed. One module a family of commands.
"""

from eutonia.cli import credibility as credibility
from eutonia.cli import decision as decision
from eutonia.cli import design as design
from eutonia.cli import events as events
from eutonia.cli import examine as examine
from eutonia.cli import exchange as exchange
from eutonia.cli import fit as fit
from eutonia.cli import numbers as numbers
from eutonia.cli import options as options
from eutonia.cli import papers as papers
from eutonia.cli import pump as pump
from eutonia.cli import segment as segment
from eutonia.cli import sensitivity as sensitivity
from eutonia.cli import start as start
from eutonia.cli import study as study
from eutonia.cli import web as web
from eutonia.cli.app import main as main
