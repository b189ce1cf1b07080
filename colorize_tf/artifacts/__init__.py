"""A trained generator as files, and back: .keras, SavedModel, TFLite."""
