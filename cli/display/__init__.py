"""What a session looks like in a terminal."""
