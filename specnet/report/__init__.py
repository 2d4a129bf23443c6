"""What a run records for its replay, and the one offline page made of it."""
