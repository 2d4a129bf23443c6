"""Measurements of specnet against its peers, side by side in one process."""
