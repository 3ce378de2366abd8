"""A clean corpus: benchmark items, secrets and personal data found, named and taken out."""
