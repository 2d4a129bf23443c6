"""Targets of `specnet export`."""
