"""Key data are checked by rules and, where a rule says so, by a second person before they take effect (C-DATA-02)."""
