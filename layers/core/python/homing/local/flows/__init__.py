"""``homing flows``: pictures of flows, with numbers on their edges."""
