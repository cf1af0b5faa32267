"""Products for one person: what others looked at and bought together with what this person did."""
