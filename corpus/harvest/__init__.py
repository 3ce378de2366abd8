"""Documentation sites as seeds: pages under start addresses, and what they link to, out of a crawl."""
