"""Files of a run on a disk or an object store: whole, written once, and gone when they were only scratch."""
