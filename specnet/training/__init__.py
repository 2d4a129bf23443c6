"""Networks and their training: parameters, forward and backward, the step, the epoch."""
