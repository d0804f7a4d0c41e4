"""The manual: `sphinx-build -W docs build/manual` builds it; every block of commands and of Python is run by a test.

With `-t executed` the notebooks of the tutorials are run, too, and hold all that came.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from eutonia import __version__

project = "Eutonia"
author = "The Eutonia developers"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "manual"]
myst_heading_anchors = 3
exclude_patterns = []
autodoc_typehints = "none"  # the signature of the docstring says units and shapes, jaxtyping's names would hide them
napoleon_google_docstring = False
html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "logo": {"text": "Eutonia"},
    "use_edit_page_button": False,
}
html_static_path = ["_static"]
html_css_files = ["manual.css"]
html_show_sourcelink = False
html_context = {"default_mode": "light"}
copyright = "the Eutonia developers. Research and teaching only, not a medical device"  # noqa: A001 -- Sphinx's own name
nitpicky = False
