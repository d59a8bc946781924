"""Where photos are read, encoded and compared: in processes of this machine, or elsewhere."""
