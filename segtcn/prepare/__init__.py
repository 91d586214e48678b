"""Before training: annotations, a data set of your own, checks, conversion, splits."""
