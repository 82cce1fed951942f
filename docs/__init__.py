"""Documentation of Enrico, and what makes its reference pages."""
