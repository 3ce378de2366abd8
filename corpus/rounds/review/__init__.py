"""What a person is asked in a round: prefixes with examples, and a sample of the collected pages."""
