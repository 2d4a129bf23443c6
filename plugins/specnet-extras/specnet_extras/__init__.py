"""Optimizers for specnet that are used less often."""
