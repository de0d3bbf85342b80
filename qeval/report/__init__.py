"""What people open: the table in the terminal and the page. Same run, same bytes."""
