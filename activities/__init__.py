"""Activities: what is done outside the workflow's determinism, as small classes with injected ports."""
