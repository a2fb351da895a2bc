"""An OpenAI-compatible server that needs no key and no network: it draws, it fails on demand, it keeps a log."""
