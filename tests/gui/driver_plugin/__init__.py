"""For tests only, never shipped: steps through a scenario inside the running Calibre. Idle unless E2A_SCENARIO names one."""

import os

from calibre.customize import InterfaceActionBase  # type: ignore[import-not-found]


class TestDriverBase(InterfaceActionBase):  # type: ignore[misc]
    """As Calibre lists it."""

    name = "E2A Test Driver"
    description = "Steps through a test's scenario"
    supported_platforms = ["linux"]  # noqa: RUF012  (Calibre's own shape)
    author = "test"
    version = (1, 0, 0)
    actual_plugin = "calibre_plugins.e2a_test_driver.driver:Driver"

    def initialize(self):
        """Before any module of the plugin is loaded, so that no text is looked up earlier."""
        language = os.environ.get("E2A_PSEUDO")
        if language:
            from calibre_plugins.e2a.plugin import wording  # type: ignore[import-not-found]
            from calibre_plugins.e2a_test_driver.pseudo import LANGUAGES  # type: ignore[import-not-found]

            wording._ = LANGUAGES[language]
