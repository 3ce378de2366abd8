"""Decisions on pages, and their check."""
