"""Joints, muscle groups and the closed form of a bedside stretch."""
