"""What the filter is given: archives and byte ranges, on whatever store they lie."""
