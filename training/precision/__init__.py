"""Number formats smaller than fp32: for the optimiser's moments and for matrix products."""
