"""The embedded default of `make demo`: a small crawl with planted truth, its seeds, mix and score.

All of it is made by this package, without network and without Spark; the same Python gives the same bytes.
`crawl.write_crawl` writes the WARC files, `seeds.write_seeds` the seeds, `general.write_code` and
`general.write_text` the other two parts of the mix, and `score.score` compares a run with the truth.
"""
