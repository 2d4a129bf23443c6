"""Is a run what it claims to be? Check it, repair it, train it again."""
