import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from colorize_tf.imagefiles import decode_photograph, encode_photograph, find_format
from colorize_tf.imagefiles import exif as tags
from colorize_tf.imagefiles import metadata as subject
from colorize_tf.imagefiles.metadata import Metadata

FORMS = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tiff": "TIFF"}
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# As large as those of scanners, and of bytes that do not repeat.
LARGE_PROFILE = PROFILE + np.random.default_rng(0).integers(0, 256, 200_001, np.uint8).tobytes()


def find_metadata(data):
    return subject.find_metadata(find_format(data).read_metadata, data)


def picture():
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8))


def exif(orientation=1):
    exif = Image.Exif()
    exif[271] = "Maker"
    exif[274] = orientation
    exif[315] = "Artist"
    exif[282], exif[283], exif[296] = 300.0, 300.0, 2
    exif.get_ifd(34665).update({33434: 0.004, 36867: "1942:06:01 12:00:00"})
    exif.get_ifd(34853).update({1: "N", 2: (43.0, 47.0, 30.5)})
    return exif.tobytes()


def contents(suffix, **options):
    file = io.BytesIO()
    picture().save(file, FORMS[suffix], **options)
    return file.getvalue()


def carried(data, suffix):
    """The contents of the file that comes out, opened by Pillow."""
    image = Image.open(io.BytesIO(encode_photograph(decode_photograph(data), suffix)))
    image.load()
    return image


@pytest.mark.parametrize("source", FORMS)
@pytest.mark.parametrize("target", FORMS)
@pytest.mark.parametrize("orientation", [1, 6])
def test_exif_is_carried_from_any_format_to_any(source, target, orientation):
    image = carried(contents(source, exif=exif(orientation)), target)
    assert image.size == ((20, 30) if orientation == 6 else (30, 20))
    found = image.getexif()
    assert found[271] == "Maker" and found[315] == "Artist"
    assert found.get(274, 1) == 1
    camera, place = found.get_ifd(34665), found.get_ifd(34853)
    assert camera[36867] == "1942:06:01 12:00:00" and float(camera[33434]) == 0.004
    assert place[1] == "N" and [float(part) for part in place[2]] == [43, 47, 30.5]


@pytest.mark.parametrize("source", FORMS)
@pytest.mark.parametrize("target", FORMS)
@pytest.mark.parametrize("profile", [PROFILE, LARGE_PROFILE], ids=["small", "large"])
def test_profile_is_carried_from_any_format_to_any(source, target, profile):
    image = carried(contents(source, icc_profile=profile), target)
    assert image.info["icc_profile"] == profile


@pytest.mark.parametrize("source", [".jpg", ".png", ".tiff", ".bmp"])
@pytest.mark.parametrize("target", [".jpg", ".png", ".webp", ".tiff", ".bmp"])
def test_resolution_is_carried_from_any_format_to_any(source, target):
    file = io.BytesIO()
    picture().save(file, FORMS.get(source, "BMP"), dpi=(300, 240))
    image = carried(file.getvalue(), target)
    if target == ".webp":
        dpi = [float(image.getexif()[tag]) for tag in (282, 283)]
    else:
        dpi = image.info["dpi"]
    assert dpi == pytest.approx((300, 240), abs=0.02)


def test_resolution_of_exif_serves_where_there_is_no_other():
    image = carried(contents(".webp", exif=exif()), ".png")
    assert image.info["dpi"] == pytest.approx((300, 300), abs=0.02)


def test_resolution_per_centimeter():
    data = contents(".jpg", dpi=(100, 100))
    place = data.index(b"JFIF\0") + 7
    data = data[:place] + b"\2" + data[place + 1 :]
    assert find_metadata(data)[0].dpi == (254, 254)


def test_what_carries_nothing_gains_nothing():
    plain = encode_photograph(decode_photograph(contents(".jpg")), ".png")
    assert find_metadata(plain) == (Metadata(), 1)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_profile_of_another_color_space_is_left_out(mode):
    profile = bytearray(PROFILE)
    profile[16:20] = b"GRAY" if mode == "L" else b"CMYK"
    file = io.BytesIO()
    picture().convert(mode).save(file, "JPEG", icc_profile=bytes(profile))
    assert find_metadata(file.getvalue())[0].icc is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_thumbnail_is_left_out_and_makers_notes_stay_where_they_are(order):
    thumbnail = b"\xff\xd8 gray picture \xff\xd9"
    notes = b"notes with offsets of their own"
    begin = b"II*\0" if order == "<" else b"MM\0*"
    data = begin + struct.pack(order + "I", 8)
    data += struct.pack(order + "HHHIHH", 2, 274, 3, 1, 6, 0)
    data += struct.pack(order + "HHIII", 37500, 7, len(notes), 100, 40)
    data = data.ljust(40, b"\0") + struct.pack(order + "HHHII", 2, 513, 4, 1, 140)
    data += struct.pack(order + "HHIII", 514, 4, 1, len(thumbnail), 0)
    data = data.ljust(100, b"\0") + notes
    data = data.ljust(140, b"\0") + thumbnail
    source = contents(".png", exif=data)
    assert thumbnail in source
    found, orientation = find_metadata(source)
    assert orientation == 6
    assert found.exif[100 : 100 + len(notes)] == notes and b"gray" not in found.exif
    (only,) = tags.directories(found.exif)
    assert tags.numbers(found.exif, only[274]) == (1,)


def test_exif_too_large_for_a_jpeg_is_left_out_there():
    large = Image.Exif()
    large[270] = "a" * 70_000
    data = contents(".png", exif=large)
    assert len(carried(data, ".png").getexif()[270]) == 70_000
    assert not carried(data, ".jpg").getexif()


@pytest.mark.parametrize("damage", [b"", b"II*\0", b"II*\0\xff\xff\xff\x7f", b"no EXIF at all"])
def test_damaged_exif_counts_as_none(damage):
    data = contents(".png", exif=b"Exif\0\0" + damage)
    assert find_metadata(data) == (Metadata(), 1)
    assert decode_photograph(data).images.shape == (20, 30, 3)


def test_profile_that_unpacks_to_far_too_much_is_bounded():
    data = contents(".png", icc_profile=PROFILE + bytes(40 << 20))
    assert len(data) < 1 << 20
    assert len(find_metadata(data)[0].icc) <= 16 << 20


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_carry_as_much(suffix):
    photograph = decode_photograph(
        contents(".jpg", exif=exif(), icc_profile=PROFILE, dpi=(300, 300))
    )
    deep = photograph.with_images(photograph.images.astype(np.uint16) * 257)
    found = decode_photograph(encode_photograph(deep, suffix))
    assert found.images.dtype == np.uint16
    assert found.metadata.icc == PROFILE
    assert found.metadata.dpi == pytest.approx((300, 300), abs=0.02)
    assert tags.unpack(found.metadata.exif)[271] == (2, b"Maker\0")


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("alpha", [True, False])
def test_webp_with_alpha_and_metadata(lossless, alpha):
    mode = "RGBA" if alpha else "RGB"
    image = picture().convert(mode)
    if alpha:
        image.putalpha(100)
    file = io.BytesIO()
    image.save(file, "WEBP", lossless=lossless, exif=exif(), icc_profile=PROFILE)
    photograph = decode_photograph(file.getvalue())
    for quality in (100, 50):
        data = encode_photograph(photograph, ".webp", quality=quality)
        with Image.open(io.BytesIO(data)) as found:
            assert (found.mode, found.size) == (mode, (30, 20))
            assert found.getexif()[271] == "Maker" and found.info["icc_profile"] == PROFILE
            found.load()


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6">'
    b"<dc:title>The pass</dc:title><xmp:Thumbnails>gray</xmp:Thumbnails></rdf:Description>"
)
IPTC = b"\x1c\x02\x78\0\x08The pass"


def with_xmp_and_iptc(suffix):
    """A file with XMP and, where the format has it, IPTC, written by others."""
    if suffix == ".jpg":
        resource = b"8BIM\x04\x25\0\0\0\0\0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(IPTC))
        content = b"Photoshop 3.0\0" + resource + IPTC + bytes(len(IPTC) % 2)
        segment = struct.pack(">BBH", 255, 0xED, len(content) + 2) + content
        return contents(suffix, xmp=XMP, extra=segment)
    if suffix == ".png":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=True)
        text.add_text("Raw profile type iptc", f"\niptc\n{len(IPTC)}\n{IPTC.hex()}\n", zip=True)
        return contents(suffix, pnginfo=text)
    if suffix == ".tiff":
        return contents(suffix, tiffinfo={700: XMP, 33723: IPTC})
    return contents(suffix, xmp=XMP)


@pytest.mark.parametrize("source", FORMS)
@pytest.mark.parametrize("target", FORMS)
def test_xmp_and_iptc_are_carried_where_the_format_holds_them(source, target):
    photograph = decode_photograph(with_xmp_and_iptc(source))
    data = encode_photograph(photograph, target)
    found = find_metadata(data)[0]
    assert b"<dc:title>The pass<" in found.xmp and b'tiff:Orientation="1"' in found.xmp
    assert b"gray" not in found.xmp
    assert found.iptc == (None if ".webp" in (source, target) else IPTC)
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        packet = image.tag_v2[700] if target == ".tiff" else image.info["xmp"]
        assert packet == found.xmp


@pytest.mark.parametrize(
    "fault",
    [
        lambda tags: tags[:-4] + b"\xff\xff\xff\x7f",
        lambda tags: tags[:-4],
        lambda tags: tags[:8] + b"\x09\0" + tags[10:-4],
        lambda tags: (
            tags[:8] + b"\2\0" + tags[10:22] + struct.pack("<HHIII", 315, 2, 500, 90_000, 0)
        ),
    ],
    ids=["wild pointer", "no pointer", "too many entries", "an entry beyond the end"],
)
def test_what_is_sound_of_damaged_exif_is_kept(fault):
    sound = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 274, 3, 1, 6, 0, 0)
    data = contents(".jpg", exif=b"Exif\0\0" + fault(sound))
    metadata, orientation = find_metadata(data)
    assert orientation == 6
    assert Image.open(io.BytesIO(encode_photograph(decode_photograph(data), ".png"))).getexif() == {
        274: 1
    }
