"""Routes: each validates, calls one service, and answers."""
