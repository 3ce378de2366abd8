"""From seeds and pages to scores."""
