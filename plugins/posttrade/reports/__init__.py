"""What people read at the end of a day: the report of a business date and the list of all days."""
