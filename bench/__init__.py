"""Benchmarks: figures for people, as ratios against a peer measured in the same run. No test depends on them."""
