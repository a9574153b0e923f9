"""The pricer: price books, price models, the waterfall, every step explained."""
