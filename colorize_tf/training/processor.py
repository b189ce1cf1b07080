"""What this machine's processor computes fastest; imports neither TensorFlow nor Keras."""

from collections.abc import MutableMapping
from pathlib import Path

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
"""The environment variable that TensorFlow reads when it is imported."""

_BFLOAT16 = {"amx_bf16", "avx512_bf16"}

# On these, TensorFlow switches oneDNN on by itself.
_ONEDNN_BY_DEFAULT = {"avx512_vnni", "avx512_bf16", "avx_vnni", "amx_tile", "amx_int8", "amx_bf16"}


def processor_flags() -> frozenset[str]:
    """Return the instruction sets of the processor, as Linux names them; elsewhere none."""
    return frozenset(_cpuinfo("flags").split())


def _cpuinfo(name: str) -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:  # not Linux
        return ""
    lines = [line for line in text.splitlines() if line.startswith(name)]
    return lines[0].partition(":")[2].strip() if lines else ""


def has_bfloat16() -> bool:
    """Return whether the processor has instructions for bfloat16, which are else emulated."""
    return bool(_BFLOAT16 & processor_flags())


def is_bfloat16_faster() -> bool:
    """Return whether training is faster in bfloat16 than in float32.

    Measured with the compact U-Net, adversarial steps: AMX and AMD's AVX512-BF16 are up to twice as
    fast as float32. Intel's AVX512-BF16 alone is not: a Xeon takes 1.5 times as long as in float32.
    """
    flags = processor_flags()
    return "amx_bf16" in flags or (
        "avx512_bf16" in flags and _cpuinfo("vendor_id") != "GenuineIntel"
    )


def choose_onednn(environment: MutableMapping[str, str]) -> str:
    """Switch oneDNN on for training where it is faster, before TensorFlow is imported.

    Measured in float32 with oneDNN limited to AVX2, for training steps of the compact, tiny, plain
    CNN and EfficientNet networks: oneDNN takes 0.76 to 0.97 of the processor time. TensorFlow
    switches it on by itself only with VNNI. Zhang's networks, pix2pix and ResNet18 are unmeasured.

    Args:
        environment: such as `os.environ`; a value that the user set stays.

    Returns:
        What was chosen and why, in a sentence without a period.
    """
    if environment.get(ONEDNN):
        return f"oneDNN as {ONEDNN}={environment[ONEDNN]} says"
    flags = processor_flags()
    if flags & _ONEDNN_BY_DEFAULT:
        return "oneDNN on, TensorFlow's own choice for this processor"
    if "avx2" in flags:
        environment[ONEDNN] = "1"
        return f"oneDNN on, the faster way to train on a processor with AVX2 ({ONEDNN}=0: off)"
    return "oneDNN as TensorFlow chooses"
