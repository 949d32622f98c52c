"""All pictures of a folder on one sheet, with their names: `calibre-debug -e sheet.py -- FOLDER SHEET.png`."""

from __future__ import annotations

import sys
from pathlib import Path

from calibre.gui2 import Application  # type: ignore[import-not-found]
from qt.core import QColor, QImage, QPainter, QRect, Qt  # type: ignore[import-not-found]

ACROSS = 22
SIDE = 320
LABEL = 18
GAP = 8


def main(folder: Path, name: str) -> None:
    pictures = sorted(path for path in folder.glob("*.png") if path.name != name)
    rows = -(-len(pictures) // ACROSS)
    sheet = QImage(ACROSS * (SIDE + GAP), rows * (SIDE + LABEL + GAP), QImage.Format.Format_RGB32)
    sheet.fill(QColor(144, 144, 144))
    painter = QPainter(sheet)
    for n, path in enumerate(pictures):
        left, top = n % ACROSS * (SIDE + GAP), n // ACROSS * (SIDE + LABEL + GAP)
        picture = QImage(str(path))
        if picture.width() > SIDE or picture.height() > SIDE:
            picture = picture.scaled(SIDE, SIDE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
        painter.drawImage(left + (SIDE - picture.width()) // 2, top, picture)
        place = QRect(left, top + SIDE, SIDE, LABEL)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, painter.fontMetrics().elidedText(path.stem, Qt.TextElideMode.ElideMiddle, SIDE))
    painter.end()
    assert sheet.save(str(folder / name))


app = Application([], headless=True)
main(Path(sys.argv[1]), sys.argv[2])
