"""A library on a PostgreSQL server, for several people and machines. Needs `vtsfind[postgres]`, which is imported late."""
