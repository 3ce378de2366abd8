"""Graphs of verified pairs: components, and who goes."""
