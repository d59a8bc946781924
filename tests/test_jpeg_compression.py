"""How a JPEG was compressed is read from its header; of what is no usual JPEG in colour, nothing is known."""

import io

from support.photographs import photograph

from vtsfind.media.jpeg_compression import jpeg_compression


def test_how_a_file_was_compressed_is_known_of_jpegs_in_colour_only() -> None:
    photo, files = photograph("pavilion"), [io.BytesIO() for _ in range(5)]
    photo.save(files[0], "PNG")
    photo.convert("L").save(files[1], "JPEG")
    photo.convert("CMYK").save(files[2], "JPEG")
    photo.save(files[3], "JPEG")
    photo.save(files[4], "JPEG", subsampling=0)
    assert [jpeg_compression(file.getvalue()) for file in files[:3]] == [None] * 3
    usual, fine = (jpeg_compression(file.getvalue()) for file in files[3:])
    assert usual is not None
    assert fine is not None
    assert (usual.subsampling, fine.subsampling, usual.tables == fine.tables) == (2, 0, True)


def test_a_rare_share_of_colours_is_not_known() -> None:
    file = io.BytesIO()
    photograph("pavilion").save(file, "JPEG")
    content = bytearray(file.getvalue())
    sampling = content.index(b"\xff\xc0") + 11
    assert content[sampling] == 0x22
    content[sampling] = 0x12
    assert jpeg_compression(bytes(content)) is None
