"""Who works here, where, as what, for whom, and which rows each may see and touch."""
