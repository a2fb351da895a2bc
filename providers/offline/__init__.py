"""An OpenAI-compatible server that needs no key and no network: it draws, writes, fails on demand and keeps a log."""
