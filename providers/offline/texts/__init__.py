"""The side that writes: text requests, the documents of a story, and whatever else a JSON schema asks for."""
