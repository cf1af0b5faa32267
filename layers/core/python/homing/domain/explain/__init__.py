"""Why a person is in a segment or not, in words."""
