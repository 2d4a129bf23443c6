"""Components for `"weight_init"`, `"bias_init"` and the like."""
