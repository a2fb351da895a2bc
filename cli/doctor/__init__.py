"""`retakes doctor`: looks at everything the product needs, and says what to do about what is wrong."""
