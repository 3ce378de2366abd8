"""Earlier crawls and other texts that a run compares its pages with."""
