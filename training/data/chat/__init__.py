"""Conversations as training rows: through a chat template, with the loss on what the assistant says."""
