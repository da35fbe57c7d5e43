"""What those see who run the system."""
