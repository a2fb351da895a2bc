"""One module for each kind of composition; each paints a subject onto a canvas."""
