"""Tables in Parquet, Feather, Excel and JSON lines files."""
