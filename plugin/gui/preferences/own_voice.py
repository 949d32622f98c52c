"""Choosing a voice that the user has as a file: which one, and which language it speaks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calibre.gui2 import choose_dir, choose_files  # type: ignore[import-not-found]
from qt.core import QComboBox, QDialogButtonBox, QFormLayout, QLineEdit, Qt, QVBoxLayout, QWidget  # type: ignore[import-not-found]

from ...errors import PluginError
from ...speaking import voices
from ...wording import translate as _
from ..background import Background
from ..language_names import language_name
from ..links import verbatim
from ..scrolled import Wrapping, calm, sentence
from ..work_bar import Flow, allow, button


def _spoken_by(path: str) -> str | PluginError:
    """The language of the voice there, empty where it does not say; else why there is no voice."""
    try:
        return str(voices.voice_from_path(Path(path))["language"])
    except PluginError as error:
        return error


class OwnVoice(Wrapping):
    """Accepted: `path()` is a voice, `base()` the language. What is no voice is said where it is typed, and cannot be accepted."""

    def __init__(self, parent: Any, languages: Sequence[str], first: str) -> None:
        """languages: codes to choose from; first: the one that is likely."""
        super().__init__(parent)
        self.setWindowTitle(_("A voice from a file"))
        self.line = QLineEdit()
        self.line.textChanged.connect(self._check)
        self.language = QComboBox()
        for name, base in sorted((language_name(base), base) for base in languages):
            self.language.addItem(name, base)
        self.language.setCurrentIndex(max(0, self.language.findData(first)))
        calm(self.language)
        self.problem = sentence("", self)
        self._looking = Background(self)
        self._looking.done.connect(self._found)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._lay_out()
        self._check()

    def _lay_out(self) -> None:
        how = _(
            "A Piper voice is a file that ends in .onnx, with its .onnx.json beside it. "
            "A Coqui voice is a folder with a model and its config.json. The files stay where they are."
        )
        choose = QWidget()
        choose.setLayout(Flow(button(_("Choose a file…"), self._choose_file), button(_("Choose a folder…"), self._choose_folder)))
        choose.layout().setContentsMargins(0, 0, 0, 0)
        form = QFormLayout()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow(_("&Voice:"), self.line)
        form.addRow("", choose)
        form.addRow(_("&Language:"), self.language)
        layout = QVBoxLayout(self)
        layout.addWidget(sentence(how, self))
        layout.addLayout(form)
        layout.addWidget(self.problem)
        layout.addStretch()
        layout.addWidget(self.buttons)
        self.begin()

    def path(self) -> str:
        return str(Path(self.line.text().strip()).expanduser().absolute())

    def base(self) -> str:
        return str(self.language.currentData())

    def _check(self) -> None:
        """Look for it in the background: what is typed may lie on a drive that is slow to answer."""
        typed = self.line.text().strip()
        allow(self.buttons.button(QDialogButtonBox.StandardButton.Ok), _("Looking…") if typed else _("Choose a file or a folder first"))
        if typed:
            self._looking.start(lambda show, stopped: _spoken_by(typed))
        else:
            self._looking.stop()
            self.problem.hide()

    def _found(self, spoken: str | PluginError) -> None:
        no_voice = isinstance(spoken, PluginError)
        if isinstance(spoken, PluginError):
            reason = str(spoken.params.get("reason") or _("neither an .onnx with its .onnx.json beside it nor a folder with a model and its config.json"))
            self.problem.setText(_("That is no voice: {reason}.").format(reason=reason))
        self.problem.setVisible(no_voice)
        allow(self.buttons.button(QDialogButtonBox.StandardButton.Ok), verbatim(self.problem.text()) if no_voice else "")
        place = self.language.findData(voices.base_language(spoken)) if isinstance(spoken, str) and spoken else -1
        if place >= 0:
            self.language.setCurrentIndex(place)

    def _choose_file(self) -> None:
        chosen = choose_files(self, "convert to audiobook voice", _("Choose a Piper voice"), [(_("Voices"), ["onnx", "pth"])], True, True)
        if chosen:
            self.line.setText(str(chosen[0]))
            self.line.setFocus(Qt.FocusReason.OtherFocusReason)

    def _choose_folder(self) -> None:
        chosen = choose_dir(self, "convert to audiobook voice folder", _("Choose the folder of a Coqui voice"))
        if chosen:
            self.line.setText(str(chosen))
            self.line.setFocus(Qt.FocusReason.OtherFocusReason)
