"""Lets `python -m eutonia.cli` be the command line."""

from eutonia.cli import main

main()
