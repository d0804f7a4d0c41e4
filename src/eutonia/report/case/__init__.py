"""The course of one person, and of several options of one person."""
