"""What can be said of a mix: its interpretations, whom it hides among, what its users gave away."""
