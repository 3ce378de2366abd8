"""Level by level along the links of a site."""
