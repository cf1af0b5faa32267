"""``homing explain``: one person's story from a recording, and how it is shown."""
