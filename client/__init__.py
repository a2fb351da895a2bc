"""A typed client of the HTTP API, sync and async. Calls are in `client.calls`, what sends them in `client.retakes`."""
