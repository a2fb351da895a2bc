"""The page: templates, style, and the routes that fill them in."""
