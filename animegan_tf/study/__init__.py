"""A study that asks people which of two methods paints better."""
