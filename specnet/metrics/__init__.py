"""Components for `"metrics"`."""
