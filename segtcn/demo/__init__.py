"""The rendered kitchen: a small data set with clips, features and labels."""
