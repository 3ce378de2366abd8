"""Conversations with roles and tools, of any of the usual styles, in one schema."""
