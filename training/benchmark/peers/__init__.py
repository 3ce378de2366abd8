"""Benchmarks of others, run by an interpreter of their own: their packages pin versions that ours exclude.

The scripts here are started by that interpreter and import nothing of this project.
"""
