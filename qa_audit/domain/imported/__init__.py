"""Transcripts that somebody else made: one module per format, `reading` for what they have in common."""
