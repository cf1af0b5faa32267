"""``homing plan``: what a change of campaigns would mean, against recorded history and what is live."""
