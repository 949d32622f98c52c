"""What Calibre must know of the plugin before it loads it: names and versions, as literals (its plugin index only parses them).

Read by every Calibre program, workers too, so nothing is imported here but the base class; the rest is in `plugin/`.
"""

from calibre.customize import InterfaceActionBase  # type: ignore[import-not-found]


class ConvertToAudiobookBase(InterfaceActionBase):  # type: ignore[misc]
    """The plugin as Calibre lists it; `actual_plugin` is loaded by the GUI alone, `cli_main` by calibre-debug -r."""

    name = "Convert to Audiobook"
    description = "Turn a book into an audiobook (M4B) with a voice that runs on this computer"
    supported_platforms = ["windows", "osx", "linux"]  # noqa: RUF012  (Calibre's own shape)
    author = "The Convert to Audiobook contributors"
    version = (0, 1, 0)
    minimum_calibre_version = (6, 13, 0)
    actual_plugin = "calibre_plugins.e2a.plugin.action:ConvertToAudiobook"

    def is_customizable(self) -> bool:
        """By our preferences, in the main program."""
        return True

    def config_widget(self) -> "object":
        """Our preferences; a sentence in place of them where the main program has not loaded the plugin."""
        if self.actual_plugin_ is None:
            from calibre_plugins.e2a.plugin.wording import translate as _  # type: ignore[import-not-found]

            return _("Convert to Audiobook can be set up in Calibre's main window, once it is enabled there and Calibre was restarted."), ""
        from calibre_plugins.e2a.plugin.gui.preferences import Preferences  # type: ignore[import-not-found]

        return Preferences(self.actual_plugin_.context())

    def save_settings(self, config_widget: "object") -> None:
        """Keep what was set; it holds at once."""
        config_widget.commit()  # type: ignore[attr-defined]
        self.actual_plugin_.apply_settings()

    def cli_main(self, argv: "list[str]") -> None:
        """`calibre-debug -r "Convert to Audiobook" -- ...`; Calibre drops what is returned, so the exit code is raised."""
        from calibre_plugins.e2a.plugin.cli import main  # type: ignore[import-not-found]

        raise SystemExit(main(argv[1:]))
