"""Semantic matching: every kept page names the seed that it is nearest to."""
