"""Colors, fonts and style sheet of the page."""

from gradio.themes import Base, colors, sizes

from colorize_tf.demo_app import comparison

THEME = Base(
    primary_hue=colors.emerald,
    neutral_hue=colors.stone,
    radius_size=sizes.radius_md,
    # System fonts; Gradio's other themes download theirs.
    font=("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"),
    font_mono=("ui-monospace", "monospace"),
).set(
    # White text needs the contrast of these dark greens.
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_hover_dark="*primary_800",
)

CSS = f"""
.gradio-container {{ max-width: 1280px !important; margin: 0 auto !important; }}
.gradio-container .main.app {{ padding: clamp(12px, 2.5vw, 32px) !important; }}
#picture .html-container {{ padding: 0; }}
.gradio-container [role=tab].selected {{ color: var(--body-text-color); }}
.gradio-container .grid-wrap {{ min-height: 0; }}
.gradio-container .grid-container {{ padding-top: 24px; }}
#thumbnails .grid-container {{ grid-template-columns: repeat(auto-fill, minmax(120px, 1fr)); }}
.gradio-container .thumbnail-lg {{ aspect-ratio: 3 / 2; }}
.gradio-container .thumbnail-lg .caption-label {{ max-width: 100%; }}
{comparison.CSS}"""
