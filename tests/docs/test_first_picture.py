"""The first picture of the documentation shows what certificates say today."""

import json

from helpers import script
from PIL import Image

drawing = script("draw_first_certificate")


def test_the_radii_in_the_picture_are_those_that_are_certified():
    with Image.open(drawing.PICTURE) as picture:
        shown = json.loads(picture.text[drawing.KEY])
    assert list(shown) == [str(index) for index in sorted(drawing.SHOWN)]
    few = [index for index in drawing.SHOWN if index != 8]  # which takes 6 seconds
    assert drawing.radii_of(drawing.certificates(few)) == {str(index): shown[str(index)] for index in sorted(few)}
