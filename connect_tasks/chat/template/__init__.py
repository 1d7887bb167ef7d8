"""Templates: from a row of a table to a request, and to what our side says."""
