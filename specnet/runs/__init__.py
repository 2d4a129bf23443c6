"""Runs: their directory, checkpoints and history, and how one is made, loaded and used."""
