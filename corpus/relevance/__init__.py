"""The agent classifier: what it sees, how it is trained, measured and used."""
