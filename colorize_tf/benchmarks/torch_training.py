"""The networks, losses and steps of `models/` and `training/` in PyTorch, as a peer to measure.

PyTorch is no dependency: this module is imported only where it is installed. It is written as one
would who wants it fast: channels last, bfloat16 autocast, and, unless the step of pix2pix's authors
is asked for, the same two passes of the discriminator for both losses.
"""

from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional


class UNet(nn.Module):
    """`models.unet.unet` with its defaults: `lightness` to `ab`, channels first."""

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
        """Return `ab`, float32, as under the Keras policies."""
        skips, features = [], lightness
        for block in self.down:
            features = block(features)
            skips.append(features)
        skips.pop()
        for block in self.up:
            features = torch.cat([block(features), skips.pop()], dim=1)
        with torch.autocast(features.device.type, enabled=False):
            return torch.tanh(self.head(features.float()))


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
        """Return `logits`, float32."""
        features = self.body(torch.cat([lightness, ab], dim=1))
        with torch.autocast(features.device.type, enabled=False):
            return self.head(features.float())


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


def make_step(
    widths: Sequence[int],
    *,
    dropouts: Sequence[float] = (),
    discriminator_width: int,
    image_size: int,
    batch_size: int,
    dtype: torch.dtype = torch.bfloat16,
    in_turn: bool = False,
) -> tuple[Callable[[], None], list[nn.Module]]:
    """Return a function that takes one adversarial step on a fixed batch, and the two networks.

    Args:
        widths: of the U-Net.
        dropouts: of the U-Net.
        discriminator_width: of the PatchGAN.
        image_size: height and width in pixels.
        batch_size: pictures in the batch.
        dtype: of the autocast; `torch.float32` is none.
        in_turn: the discriminator learns first and judges once more for the generator, as in the
            code of Isola et al. 2017 and in what follows it.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    place = {"device": device, "memory_format": torch.channels_last}
    generator = UNet(widths, dropouts).to(**place)
    discriminator = PatchGAN(discriminator_width).to(**place)
    optimizers = [
        torch.optim.Adam(network.parameters(), 2e-4, betas=(0.5, 0.999))
        for network in (generator, discriminator)
    ]
    lightness, ab = (
        (2 * torch.rand(batch_size, channels, image_size, image_size) - 1).to(**place)
        for channels in (1, 2)
    )
    cross_entropy = functional.binary_cross_entropy_with_logits

    def autocast():
        return torch.autocast(device, dtype=dtype, enabled=dtype != torch.float32)

    def judge(real, generated):
        true = cross_entropy(real, torch.ones_like(real))
        return 0.5 * (true + cross_entropy(generated, torch.zeros_like(generated)))

    def generator_loss(generated, generated_ab):
        reconstruction = (ab - generated_ab).abs().mean()
        return cross_entropy(generated, torch.ones_like(generated)) + 100.0 * reconstruction

    def step_in_turn():
        with autocast():
            generated_ab = generator(lightness)
            generated = discriminator(lightness, generated_ab.detach())
            judgment = judge(discriminator(lightness, ab), generated)
        optimizers[1].zero_grad()
        judgment.backward()
        optimizers[1].step()
        discriminator.requires_grad_(False)
        with autocast():
            loss = generator_loss(discriminator(lightness, generated_ab), generated_ab)
        optimizers[0].zero_grad()
        loss.backward()
        optimizers[0].step()
        discriminator.requires_grad_(True)
        judgment.item()

    def step():
        with autocast():
            generated_ab = generator(lightness)
            real = discriminator(lightness, ab)
            generated = discriminator(lightness, generated_ab)
            losses = (generator_loss(generated, generated_ab), judge(real, generated))
        gradients = [
            torch.autograd.grad(loss, tuple(network.parameters()), retain_graph=True)
            for loss, network in zip(losses, (generator, discriminator), strict=True)
        ]
        for network, optimizer, own in zip(
            (generator, discriminator), optimizers, gradients, strict=True
        ):
            for parameter, gradient in zip(network.parameters(), own, strict=True):
                parameter.grad = gradient
            optimizer.step()
        # Waits for a GPU.
        losses[1].item()

    return step_in_turn if in_turn else step, [generator, discriminator]
