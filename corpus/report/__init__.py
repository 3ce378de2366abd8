"""The statistics report: read a workspace's aggregates, and draw them as one page that needs nothing else."""
