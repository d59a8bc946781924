"""Evaluating codes: retrieval metrics, the evaluator, heads on frozen features."""
