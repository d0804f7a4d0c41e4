"""Blocks of work on any executor, and where what they give is kept until it is whole: knows no science."""
