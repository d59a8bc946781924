"""What tests draw, make up and drive."""
