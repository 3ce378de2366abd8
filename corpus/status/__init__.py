"""How far a run is: read from what it has committed, without asking it and without Spark."""
