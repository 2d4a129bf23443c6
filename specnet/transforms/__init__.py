"""Components for `"transforms"`."""
