"""Hand-over packages (交接包): what one has goes to others, for good or until a day, and is signed for."""
