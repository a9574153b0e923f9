"""What configurations cost: the cheapest, the price of every option, repairs by price."""
