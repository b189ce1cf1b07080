"""The networks, losses and training steps in PyTorch, as a peer to measure.

PyTorch is not a dependency; this module is imported only where it is installed. It is written for
speed: channels last, autocast to the fastest precision, and, unless the step of pix2pix's authors
is asked for, one pass of the discriminator for both losses, as in `training.gan`.
"""

import itertools
import time
from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional

from colorize_tf.models.unet import COMPACT_WIDTHS, PIX2PIX_WIDTHS, TINY_WIDTHS

_DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
# EfficientNet-Lite0 (Tan and Le 2019): blocks, kernel size, strides, expansion, channels.
_LITE0_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class UNet(nn.Module):
    """`models.unet.unet` without noise: `lightness` to `ab`, channels first."""

    def __init__(self, widths: Sequence[int], dropouts: Sequence[float] = ()):
        super().__init__()
        channels = (1, *widths)
        self.down = nn.ModuleList(
            _downsample(channels[level], width, normalize=0 < level < len(widths) - 1)
            for level, width in enumerate(widths)
        )
        dropouts = [*dropouts, *[0.0] * (len(widths) - 1 - len(dropouts))]
        self.up = nn.ModuleList()
        seen = widths[-1]
        for width, dropout in zip(reversed(widths[:-1]), dropouts, strict=True):
            self.up.append(_upsample(seen, width, dropout))
            seen = 2 * width
        self.head = nn.ConvTranspose2d(seen, 2, 4, 2, 1)

    def forward(self, lightness: torch.Tensor) -> torch.Tensor:
        """Return `ab` in float32, as under the Keras policies."""
        skips, features = [], lightness
        for block in self.down:
            features = block(features)
            skips.append(features)
        skips.pop()
        for block in self.up:
            features = torch.cat([block(features), skips.pop()], dim=1)
        with torch.autocast(features.device.type, enabled=False):
            return torch.tanh(self.head(features.float()))


class EfficientNetUNet(nn.Module):
    """The U-Net on EfficientNet-Lite0 of the shipped model: `lightness` to `ab`, channels first."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 32, 3, 2, 1), nn.ReLU6(inplace=True))
        self.blocks = nn.ModuleList()
        seen, skips = 32, []
        for blocks, kernel_size, strides, expansion, width in _LITE0_STAGES:
            for repetition in range(blocks):
                stride = strides if repetition == 0 else 1
                if stride == 2:
                    skips.append(seen)
                self.blocks.append(_InvertedBottleneck(seen, width, kernel_size, stride, expansion))
                seen = width
        self.up = nn.ModuleList()
        for width, skip in zip((256, 128, 64, 32), reversed(skips), strict=True):
            self.up.append(_upsample(seen, width, 0.0))
            seen = width + skip
        self.head = nn.ConvTranspose2d(seen, 2, 4, 2, 1)

    def forward(self, lightness: torch.Tensor) -> torch.Tensor:
        """Return `ab` in float32, with the chroma of half the size interpolated."""
        skips, features = [], self.stem(lightness)
        for block in self.blocks:
            if block.stride == 2:
                skips.append(features)
            features = block(features)
        for block in self.up:
            features = torch.cat([block(features), skips.pop()], dim=1)
        with torch.autocast(features.device.type, enabled=False):
            ab = functional.avg_pool2d(torch.tanh(self.head(features.float())), 2)
            return functional.interpolate(ab, scale_factor=2, mode="bilinear")


class _InvertedBottleneck(nn.Module):
    """Block of MobileNetV2 (Sandler et al. 2018), its normalizations part of the convolutions."""

    def __init__(self, seen: int, width: int, kernel_size: int, stride: int, expansion: int):
        super().__init__()
        inner = expansion * seen
        expand = [nn.Conv2d(seen, inner, 1), nn.ReLU6(inplace=True)] if expansion > 1 else []
        self.body = nn.Sequential(
            *expand,
            nn.Conv2d(inner, inner, kernel_size, stride, kernel_size // 2, groups=inner),
            nn.ReLU6(inplace=True),
            nn.Conv2d(inner, width, 1),
        )
        self.stride = stride
        self.residual = stride == 1 and seen == width

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        result = self.body(features)
        return result + features if self.residual else result


class PatchGAN(nn.Module):
    """`models.patchgan.patchgan`: `lightness` and `ab` to `logits`, channels first."""

    def __init__(self, base_width: int):
        super().__init__()
        self.body = nn.Sequential(
            _downsample(3, base_width, normalize=False),
            _downsample(base_width, 2 * base_width),
            _downsample(2 * base_width, 4 * base_width),
            _downsample(4 * base_width, 8 * base_width, stride=1),
        )
        self.head = nn.Conv2d(8 * base_width, 1, 4, 1, 1)

    def forward(self, lightness: torch.Tensor, ab: torch.Tensor) -> torch.Tensor:
        """Return `logits` in float32."""
        features = self.body(torch.cat([lightness, ab], dim=1))
        with torch.autocast(features.device.type, enabled=False):
            return self.head(features.float())


GENERATORS: dict[str, Callable[[], nn.Module]] = {
    "compact_unet": lambda: UNet(COMPACT_WIDTHS),
    "tiny_unet": lambda: UNet(TINY_WIDTHS),
    "pix2pix_unet": lambda: UNet(PIX2PIX_WIDTHS, (0.5, 0.5, 0.5)),
    "efficientnet_unet": EfficientNetUNet,
}


def _downsample(seen: int, width: int, *, stride: int = 2, normalize: bool = True) -> nn.Module:
    layers = [nn.Conv2d(seen, width, 4, stride, 1, bias=not normalize)]
    if normalize:
        layers.append(nn.BatchNorm2d(width, eps=1e-5, momentum=0.1))
    return nn.Sequential(*layers, nn.LeakyReLU(0.2, inplace=True))


def _upsample(seen: int, width: int, dropout: float) -> nn.Module:
    layers = [
        nn.ConvTranspose2d(seen, width, 4, 2, 1, bias=False),
        nn.BatchNorm2d(width, eps=1e-5, momentum=0.1),
    ]
    if dropout:
        layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


def fastest_dtype() -> torch.dtype:
    """Return bfloat16 or float32, whichever computes a convolution and its gradients faster here.

    Processors without instructions for bfloat16 emulate it, ten times slower than float32.
    """
    convolution = nn.Conv2d(64, 64, 3, padding=1).to(_DEVICE, memory_format=torch.channels_last)
    features = torch.rand(8, 64, 32, 32, device=_DEVICE)
    features = features.to(memory_format=torch.channels_last)

    def seconds(dtype: torch.dtype) -> float:
        started = time.perf_counter()
        with torch.autocast(_DEVICE, dtype=dtype, enabled=dtype != torch.float32):
            loss = convolution(features).float().mean()
        loss.backward()
        loss.item()  # waits for a GPU
        return time.perf_counter() - started

    times = {
        dtype: min(seconds(dtype) for _ in range(5)) for dtype in (torch.bfloat16, torch.float32)
    }
    return min(times, key=times.__getitem__)


def make_step(
    generator: nn.Module,
    discriminator: nn.Module,
    *,
    image_size: int,
    batch_size: int,
    dtype: torch.dtype,
    in_turn: bool = False,
) -> Callable[[], None]:
    """Return a function that takes one adversarial step on a fixed batch of noise.

    Args:
        generator: `lightness` to `ab`.
        discriminator: `lightness` and `ab` to `logits`.
        image_size: height and width in pixels.
        batch_size: pictures in the batch.
        dtype: of the autocast; `torch.float32` turns it off.
        in_turn: update the discriminator first and apply it once more for the generator, as in
            the code of Isola et al. 2017 and of its successors.
    """
    for network in (generator, discriminator):
        network.to(_DEVICE, memory_format=torch.channels_last)
    networks = (generator, discriminator)
    optimizers = [
        torch.optim.Adam(network.parameters(), 2e-4, betas=(0.5, 0.999)) for network in networks
    ]
    lightness, ab = (
        (2 * torch.rand(batch_size, channels, image_size, image_size) - 1).to(
            _DEVICE, memory_format=torch.channels_last
        )
        for channels in (1, 2)
    )

    def autocast() -> torch.autocast:
        return torch.autocast(_DEVICE, dtype=dtype, enabled=dtype != torch.float32)

    def step_in_turn() -> None:
        with autocast():
            generated_ab = generator(lightness)
            generated = discriminator(lightness, generated_ab.detach())
            loss = _discriminator_loss(discriminator(lightness, ab), generated)
        optimizers[1].zero_grad()
        loss.backward()
        optimizers[1].step()
        discriminator.requires_grad_(False)
        with autocast():
            generated = discriminator(lightness, generated_ab)
            generator_loss = _generator_loss(generated, generated_ab, ab)
        optimizers[0].zero_grad()
        generator_loss.backward()
        optimizers[0].step()
        discriminator.requires_grad_(True)
        loss.item()

    def step() -> None:
        with autocast():
            generated_ab = generator(lightness)
            real = discriminator(lightness, ab)
            generated = discriminator(lightness, generated_ab)
            losses = (
                _generator_loss(generated, generated_ab, ab),
                _discriminator_loss(real, generated),
            )
        parameters = [tuple(network.parameters()) for network in networks]
        gradients = [
            torch.autograd.grad(loss, own, retain_graph=True)
            for loss, own in zip(losses, parameters, strict=True)
        ]
        for parameter, gradient in zip(
            itertools.chain(*parameters), itertools.chain(*gradients), strict=True
        ):
            parameter.grad = gradient
        for optimizer in optimizers:
            optimizer.step()
        losses[1].item()  # waits for a GPU

    return step_in_turn if in_turn else step


def _discriminator_loss(real: torch.Tensor, generated: torch.Tensor) -> torch.Tensor:
    cross_entropy = functional.binary_cross_entropy_with_logits
    real_loss = cross_entropy(real, torch.ones_like(real))
    return 0.5 * (real_loss + cross_entropy(generated, torch.zeros_like(generated)))


def _generator_loss(
    generated: torch.Tensor, generated_ab: torch.Tensor, ab: torch.Tensor
) -> torch.Tensor:
    adversarial = functional.binary_cross_entropy_with_logits(generated, torch.ones_like(generated))
    return adversarial + 100.0 * (ab - generated_ab).abs().mean()
