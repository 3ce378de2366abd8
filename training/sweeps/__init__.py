"""Sweeps: the same training at many data shares and sizes, and the mixing law of their losses."""
