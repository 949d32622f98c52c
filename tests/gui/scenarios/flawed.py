"""Windows with one fault each, and one without any: what the geometry says of them."""

import sys
from pathlib import Path

from engine import on_screen
from qt.core import QCheckBox, QDialog, QLabel, QLineEdit, QListWidget, QPushButton, Qt, QTableWidget, QTableWidgetItem, QVBoxLayout

sys.path.insert(0, str(Path(__file__).parents[1]))
from geometry import flaws

TEXT = "⟦A text that is longer than the room it is given here⟧"
MARKED = "⟦[^⟦⟧]*⟧"


def scenario(gui, t):
    yield on_screen(gui, t)
    for name, make in FAULTS.items():
        window = QDialog(gui)
        window.setWindowTitle("⟦title⟧")
        layout = QVBoxLayout(window)
        make(window, layout)
        window.resize(400, 300)
        window.show()
        yield 0.1
        t.result[name] = flaws(window, MARKED, ("Some Data",))
        window.close()


def fixed(widget, layout, width=60):
    widget.setFixedWidth(width)
    layout.addWidget(widget)


def wrapped(window, layout):
    label = QLabel(TEXT * 3, window)
    label.setWordWrap(True)
    label.setFixedSize(150, 20)
    layout.addWidget(label)


def over(window, layout):
    one, other = QPushButton("⟦one⟧", window), QPushButton("⟦other⟧", window)
    layout.addWidget(one)
    layout.addWidget(other)
    layout.activate()
    layout.setEnabled(False)
    other.setGeometry(one.geometry())


def outside(window, layout):
    QPushButton("⟦gone⟧", window).setGeometry(360, 10, 200, 30)


def sideways(window, layout):
    shown = QListWidget(window)
    shown.setAccessibleName("⟦list⟧")
    shown.addItem(TEXT * 4)
    shown.item(0).setToolTip(TEXT)
    layout.addWidget(shown)


def table(window, layout):
    shown = QTableWidget(1, 1, window)
    shown.setAccessibleName("⟦table⟧")
    shown.setHorizontalHeaderLabels([TEXT])
    shown.setItem(0, 0, QTableWidgetItem(TEXT))
    shown.setWordWrap(False)
    layout.addWidget(shown)


def unreachable(window, layout):
    button = QPushButton("⟦button⟧", window)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    layout.addWidget(button)


def grey(window, layout):
    button = QPushButton("⟦button⟧", window)
    button.setEnabled(False)
    layout.addWidget(button)


def sound(window, layout):
    label = QLabel(TEXT + " Some Data", window)
    label.setWordWrap(True)
    edit = QLineEdit(window)
    label.setBuddy(edit)
    grey = QPushButton("⟦grey⟧", window)
    grey.setEnabled(False)
    grey.setToolTip("⟦because⟧")
    for widget in (label, edit, QCheckBox("⟦box⟧", window), QPushButton("⟦button⟧", window), grey):
        layout.addWidget(widget)


FAULTS = {
    "label": lambda w, layout: fixed(QLabel(TEXT, w), layout),
    "wrapped label": wrapped,
    "button": lambda w, layout: fixed(QPushButton(TEXT, w), layout),
    "overlap": over,
    "outside": outside,
    "sideways": sideways,
    "table": table,
    "untranslated": lambda w, layout: layout.addWidget(QLabel("Not translated", w)),
    "half translated": lambda w, layout: layout.addWidget(QLabel("⟦Translated⟧ and not", w)),
    "unnamed": lambda w, layout: layout.addWidget(QLineEdit(w)),
    "unreachable": unreachable,
    "grey": grey,
    "sound": sound,
}
