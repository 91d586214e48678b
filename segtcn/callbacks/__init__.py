"""What happens around training: progress, prediction files, Weights & Biases."""
