"""What Enrico knows of each vendor: requests and replies as pure functions, one file each."""
