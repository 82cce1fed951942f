"""Forward migrations, one file for each released change of the tables."""
