"""The schema of the database: migrations, and how long each table keeps what."""
