"""What the API's routes call: start, steer, read and watch sessions."""
