"""WARC bytes to pages: records, charset, language, URL, policy, extraction, sandbox, cascade."""
