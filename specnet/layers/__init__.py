"""Components for `"layers"`: `linear`, `flatten`, `dropout` and the activation functions."""
