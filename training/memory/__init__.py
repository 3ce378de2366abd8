"""What a rank holds in memory, counted before anything is allocated, and what is given up to make it fit."""
