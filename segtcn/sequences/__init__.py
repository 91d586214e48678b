"""What is claimed of convolutional networks against recurrent ones, measured: each claim is a few rows of a report."""
