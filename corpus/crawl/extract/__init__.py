"""Main text of a page as Markdown-like text, made for technical documentation; see `document.extract`."""
