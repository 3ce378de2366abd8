"""Documents of any source as DataFrames."""
