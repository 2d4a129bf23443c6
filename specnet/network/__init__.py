"""The network: a stack of layers over flat vectors."""
