"""Alerts: rules over a run, and telling somebody once."""
