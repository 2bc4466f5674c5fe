"""What things mean: pure rules and values, no input or output, no clock."""
