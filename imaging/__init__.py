"""Pictures as bytes: what they are, checked by decoding them."""
