"""A pump forecast: screen, page, figures, and the rules that are broken."""
