"""What every process of the product shares: settings, the connection to Temporal, logging, and `retakes up`."""
