"""What `"weight_init"` and its like may name."""
