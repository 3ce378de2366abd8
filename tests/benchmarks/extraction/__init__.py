"""How faithful an extraction is: measured against each page's own HTML, whatever the extractor."""
