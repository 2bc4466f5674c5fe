"""The processes that work on calls: a supervisor, warm workers, and the sweep."""
