"""Ports carried out on real engines: SQLite, Parquet with DuckDB, SQLAlchemy."""
