"""What `@task` knows of this provider."""
