"""Processes that do runs together, over one PostgreSQL database."""
