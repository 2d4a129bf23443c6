"""What a hyper-parameter that varies with time may name."""
