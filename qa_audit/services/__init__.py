"""What happens when somebody does something: one module per noun, called by every door."""
