"""What a run keeps for its replay, and what there is to see in it, as data."""
