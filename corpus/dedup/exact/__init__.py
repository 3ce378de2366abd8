"""Equal pages and the order of all pages."""
