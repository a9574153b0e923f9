"""What a seller asks: what is possible, why not, what to change, what to answer next."""
