"""Amazon Connect's API: requests, calls, errors, quotas and pace."""
