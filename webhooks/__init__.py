"""Callbacks on the wire: signed as Standard Webhooks prescribes, and sent to no address that was not looked at."""
