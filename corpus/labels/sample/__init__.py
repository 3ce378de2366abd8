"""Which pages the models are asked about."""
