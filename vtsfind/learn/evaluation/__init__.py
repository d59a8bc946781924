"""How good codes are: retrieval metrics, the evaluator, heads on frozen features."""
