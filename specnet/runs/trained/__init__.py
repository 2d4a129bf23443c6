"""A trained network in use: its predictions, what it takes and returns, and what it is measured against."""
