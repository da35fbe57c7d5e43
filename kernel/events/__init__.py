"""What has happened, written with the change; and the jobs that follow from it."""
