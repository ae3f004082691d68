"""The gate in front of people's calls: routes as data, and who has to agree before a run is performed."""
