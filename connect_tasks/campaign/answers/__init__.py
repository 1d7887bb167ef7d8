"""What was answered, as tables: derived from transcripts and contacts, and stored nowhere."""
