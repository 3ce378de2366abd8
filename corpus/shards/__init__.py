"""The seam between Spark and the trainer: token-mixed, tokenised Parquet sets."""
