"""A sample of seeds and pages in two dimensions, and the number beside the picture."""
