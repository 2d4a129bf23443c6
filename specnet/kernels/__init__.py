"""Sets of kernels: faster forms of a few components."""
