"""Components for `"dataset"`."""
