"""Drawing pictures from prompts: pure, deterministic, with Pillow alone."""
