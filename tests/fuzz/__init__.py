"""Attacks with inputs that nobody thought of: on the API, on what providers answer, on files and on words."""
