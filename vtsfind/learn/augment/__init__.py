"""Views for training, made for a whole batch at once by tensor operations on the training device."""
