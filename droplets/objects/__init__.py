"""What the objects of a picture are: hierarchy, figures, filters, populations."""
