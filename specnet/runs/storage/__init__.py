"""Files of a run: they are complete or absent, and what is read is checked."""
