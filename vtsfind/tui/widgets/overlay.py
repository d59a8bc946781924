"""Pictures made of pixels: written over blank characters once these are on the screen."""

from dataclasses import dataclass

from textual.geometry import Region
from textual.message import Message

from vtsfind.graphics.renderer import RenderedPicture


@dataclass
class Overlay(Message):
    """Write a picture of pixels over a region of the screen."""

    place: Region
    picture: RenderedPicture
