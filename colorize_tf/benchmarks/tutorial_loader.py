"""The loader that tutorials use, as a peer: Pillow, resize, flip, scikit-image's Lab.

It runs in worker processes, where it imports neither TensorFlow nor other modules of the package.
"""

from collections.abc import Sequence

import numpy as np

# pix2pix resizes to 286 and crops 256.
_MARGIN = 286 / 256


def load_batch(task: tuple[Sequence[str], int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Load one batch.

    Args:
        task: paths of the pictures, height and width of the crops, and a seed.

    Returns:
        float32 `lightness` `(batch, size, size, 1)` and `ab` `(batch, size, size, 2)`.
    """
    from PIL import Image
    from skimage.color import rgb2lab

    paths, size, seed = task
    random = np.random.default_rng(seed)
    large = round(size * _MARGIN)
    labs = []
    for path in paths:
        image = Image.open(path).convert("RGB").resize((large, large), Image.Resampling.BICUBIC)
        left, top = random.integers(0, large - size + 1, 2)
        image = image.crop((left, top, left + size, top + size))
        if random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        labs.append(rgb2lab(np.asarray(image)).astype(np.float32))
    lab = np.stack(labs)
    return lab[..., :1] / 50 - 1, lab[..., 1:] / 110
