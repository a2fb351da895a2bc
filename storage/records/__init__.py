"""Sessions, items and the ledger of attempts, on SQLite or PostgreSQL alike."""
