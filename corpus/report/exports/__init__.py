"""The report as files for others: numbers as JSON, tables as CSV and LaTeX, figures as SVG and PNG."""
