"""What others do with the same rows: this runs in the peers' environment, without anything of ours."""
