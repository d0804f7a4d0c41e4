"""A fitted recording: screen, page, figures and files."""
