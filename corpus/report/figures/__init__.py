"""Charts: one description in Vega-Lite, drawn without a browser, for the page and as files for papers."""
