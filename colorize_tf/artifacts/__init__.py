"""Save and load trained generators: .keras, SavedModel, TFLite."""
