"""Components for `"optimizer"`."""
