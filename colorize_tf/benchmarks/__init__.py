"""What `benchmark` measures: each part of the package beside a peer in the same run."""
