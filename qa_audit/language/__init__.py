"""Models of language that checks may ask: one that compares meanings, one that judges. Both are off unless set."""
