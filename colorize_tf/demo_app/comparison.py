"""Two pictures under a slider: black and white on its left, color on its right.

The slider is a transparent range input, which handles mouse, touch and keyboard.
"""

import base64
import html

CSS = """
.comparison { margin: auto; width: min(100%, calc(72vh * var(--aspect))); }
.comparison .pictures { position: relative; aspect-ratio: var(--aspect); overflow: hidden;
    border-radius: 8px; }
.comparison img { width: 100%; height: 100%; margin: 0; border-radius: 0; }
.comparison .color { position: absolute; inset: 0; clip-path: inset(0 0 0 var(--seam, 50%)); }
.comparison .seam { position: absolute; top: 0; bottom: 0; left: var(--seam, 50%); width: 2px;
    margin-left: -1px; background: #fff; box-shadow: 0 0 3px #0009; pointer-events: none; }
.comparison .seam::after { content: "\\2194"; position: absolute; top: 50%; left: 50%;
    width: 36px; height: 36px; margin: -18px; border-radius: 50%; background: #fff; color: #222;
    font: 20px/36px system-ui, sans-serif; text-align: center; box-shadow: 0 0 4px #0008; }
.comparison input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0;
    padding: 0; appearance: none; opacity: 0; cursor: ew-resize; touch-action: pan-y; }
.comparison input::-webkit-slider-thumb { appearance: none; width: 1px; height: 1px; }
.comparison input::-moz-range-thumb { width: 1px; height: 1px; border: 0; }
.comparison .pictures:focus-within { outline: 3px solid var(--color-accent); outline-offset: 2px; }
.comparison figcaption { display: flex; justify-content: space-between; gap: 1em; padding: 6px 2px;
    color: var(--body-text-color-subdued); font-size: 14px; line-height: 1.4; }
.comparison figcaption b { overflow-wrap: anywhere; text-align: center; font-weight: 500; }
"""

# The position of the seam is a property of the document, so that the next picture keeps it.
_MOVE = "document.documentElement.style.setProperty('--seam', this.value + '%')"
_RESTORE = (
    "this.parentElement.querySelector('input').value ="
    " parseFloat(document.documentElement.style.getPropertyValue('--seam') || '50')"
)


def comparison(title: str, aspect: float, gray: bytes, color: bytes) -> str:
    """Return the comparison as HTML with embedded pictures; the page must include `CSS`.

    Args:
        title: the photograph's name.
        aspect: the photograph's width over its height.
        gray: JPEG file of the left picture.
        color: JPEG file of the right picture.
    """
    title = html.escape(title)
    left, right = (
        f"data:image/jpeg;base64,{base64.b64encode(file).decode()}" for file in (gray, color)
    )
    return f"""
<figure class="comparison" style="--aspect: {aspect:.4f}">
  <div class="pictures">
    <img src="{left}" alt="{title} in black and white">
    <img class="color" src="{right}" alt="{title} in color" onload="{_RESTORE}">
    <span class="seam"></span>
    <input type="range" min="0" max="100" step="0.5" value="50" oninput="{_MOVE}"
      aria-label="How much is black and white, from the left; the rest is in color">
  </div>
  <figcaption><span>Gray</span><b>{title}</b><span>Color</span></figcaption>
</figure>"""
