"""Sections of the page: from the numbers to sentences, figures and tables."""
