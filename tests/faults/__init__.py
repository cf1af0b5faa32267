"""The promise under fault: every side-effect site on the way from a trigger to SES, struck by every fault."""
