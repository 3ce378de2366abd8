"""Deduplication with evidence: same payload, address or text, near duplicates compared with what is kept."""
