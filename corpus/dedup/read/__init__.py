"""Reading of what is to be deduplicated."""
