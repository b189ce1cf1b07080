"""The Gradio page of `demo`: colors photographs and films in a browser as `colorize` does."""
