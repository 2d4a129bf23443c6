"""Runs: directory, checkpoints and history; how to train, load and use one."""
