"""Components for `"loss"`."""
