"""What a cluster needs to run the jobs: the wheel, and an environment that works wherever it is unpacked."""
