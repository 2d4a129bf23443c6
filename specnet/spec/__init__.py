"""The spec: JSON text, overrides, the model, and checks that need no data."""
