"""The pages of a crawl as the classifier sees them, and their scores."""
