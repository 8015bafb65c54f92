"""Pictures of what lies between two parties."""
