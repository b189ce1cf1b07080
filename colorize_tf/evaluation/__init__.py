"""Measure colorizers on photographs, and compare them with gray and with the true colors."""
