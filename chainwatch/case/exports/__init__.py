"""One file per format in which a result leaves the desk."""
