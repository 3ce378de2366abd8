"""Pages, seeds and addresses of files as records of one shape."""
