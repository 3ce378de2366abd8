"""Files of the sets: how many, how large, in which order, under which names."""
