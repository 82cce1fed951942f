"""Enrico: who decides on a deal, what happens at the account, who these people really are."""

__version__ = "0.1.0"
