"""The examination of a spinal segment: page, figures and files."""
