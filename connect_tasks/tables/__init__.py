"""Tables in and out: the only place that works with pandas."""
