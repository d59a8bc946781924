"""What two photos are to each other, by their pixels; `verify` is the one to read first."""
