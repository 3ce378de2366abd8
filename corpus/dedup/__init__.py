"""Deduplication with evidence: same payload, same text, near duplicates compared with what is kept."""
