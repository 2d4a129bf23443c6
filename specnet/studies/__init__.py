"""Many runs: the same spec with other seeds or on folds, in worker processes, and what they say together."""
