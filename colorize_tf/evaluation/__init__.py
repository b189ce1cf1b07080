"""Measure colorizers on photographs, always beside gray and the truth."""
