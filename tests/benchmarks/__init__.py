"""What `make bench` runs: figures and ratios from one run on one machine. Nothing here is asserted."""
