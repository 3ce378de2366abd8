"""Givers against each other: the label that counts, conflicts, agreement."""
