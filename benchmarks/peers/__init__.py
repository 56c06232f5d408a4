"""What operators use instead, each configured as someone who knows it would."""
