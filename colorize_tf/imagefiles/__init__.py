"""Image files: pixels, depth, alpha and metadata, read and written."""
