"""The labels of one video, everywhere."""
