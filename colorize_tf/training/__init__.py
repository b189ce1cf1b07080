"""Networks and examples become a trained generator."""
