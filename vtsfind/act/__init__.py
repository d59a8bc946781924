"""Plans and actions: which copy to keep, what to do with the others, and doing it safely."""
