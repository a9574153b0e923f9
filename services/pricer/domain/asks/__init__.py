"""What is asked, and by what it is priced: basket, checks, engines, the words of a trace."""
