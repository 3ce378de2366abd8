"""Two corpora, stages or training runs side by side, what differs most first."""
