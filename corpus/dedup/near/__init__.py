"""Near duplicates on DataFrames: from band hashes to the pages that go."""
