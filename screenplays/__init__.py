"""Stories as documents that people and screenwriting programs read."""
