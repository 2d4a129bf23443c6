"""What stands out in a run: findings with their evidence, and what to try."""
