"""Measures of painted pictures against photos and anime, and the networks they use."""
