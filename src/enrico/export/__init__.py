"""Results as tables: what goes out, and the files it goes into."""
