"""What a data set says of itself: composition, lineage back to the archives, card, and publication."""
