"""Runs of the filter that keep no page: a forecast from a sample, thresholds from labelled pages."""
