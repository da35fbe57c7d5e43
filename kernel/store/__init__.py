"""PostgreSQL: the pool, transactions, queries in files, cursors, versions."""
