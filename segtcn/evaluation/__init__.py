"""Files of predictions and truth."""
