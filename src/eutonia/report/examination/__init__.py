"""Findings of bedside tests: screen, page, figures and files."""
