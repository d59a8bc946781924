"""Networks, the registry of weights, and the encoder."""
