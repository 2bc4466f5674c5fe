"""QA Audit: audit outsourced customer calls, from recording to scorecard."""
