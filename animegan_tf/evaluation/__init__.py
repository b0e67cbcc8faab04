"""How good painted pictures are: by measures, and in the eyes of visitors."""
