"""Looking at tables, and at what became of one page: no Spark, no table held as a whole."""
