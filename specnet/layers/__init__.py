"""Components for `"layers"`: fully connected and convolutional layers, pooling, normalization, activation functions."""
