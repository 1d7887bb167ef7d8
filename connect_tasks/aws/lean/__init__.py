"""The lean transport: what boto3 would send, without threads and without boto3's price."""
