"""What is measured, for every server in the same run: see `scenario.SCENARIOS`."""
