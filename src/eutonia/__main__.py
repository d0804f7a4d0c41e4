"""Lets `python -m eutonia` be the command line."""

from eutonia.cli import main

main()
