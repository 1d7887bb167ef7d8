"""The S3 bucket of the transcripts: one is listed and read, and nothing is written."""
