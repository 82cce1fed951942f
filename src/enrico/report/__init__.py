"""What a run did, read back from its records: for the command line, for JSON, and as a page."""
