"""Color science: CIE Lab in NumPy and TensorFlow, the sRGB gamut, toned prints."""
