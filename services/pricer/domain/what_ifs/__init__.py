"""What-ifs: past asks priced by another book, added up, told apart."""
