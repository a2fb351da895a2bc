"""What is kept: records in a database, artifacts and uploads in an object store."""
