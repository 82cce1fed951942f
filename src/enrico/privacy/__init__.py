"""People's data: who is held, erasing them, telling them, keeping nothing longer than needed."""
