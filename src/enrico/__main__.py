"""``python -m enrico``."""

from enrico.cli import main

main()
