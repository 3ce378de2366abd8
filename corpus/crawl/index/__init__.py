"""The columnar index of a crawl: Parquet files and an SQL filter to the records that are to be fetched."""
