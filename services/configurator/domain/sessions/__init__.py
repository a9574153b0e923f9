"""What somebody decides on the way, kept until it is submitted."""
