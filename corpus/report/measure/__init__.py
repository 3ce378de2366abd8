"""Numbers of each part of a workspace; `numbers.collect` brings them together."""
