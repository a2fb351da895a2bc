"""`retakes up --demo`: the product with faults switched on, and a tour of what it makes of them."""
