"""Repeated lines of hosts, on DataFrames."""
