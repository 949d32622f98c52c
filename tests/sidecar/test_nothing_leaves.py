"""Nothing leaves the machine: the runtimes that speak are kept from telling anybody, and from noting anything in the home folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "sidecar" / "src"


def test_onnxruntime_keeps_no_diary_in_the_users_home(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(SOURCES)!r})\n"
        "import e2a_sidecar.speaking.vits_onnx, onnxruntime, os\n"
        "onnxruntime.get_available_providers(); onnxruntime.SessionOptions()\n"
        "print(os.environ['ORT_DISABLE_TELEMETRY'])\n"
    )
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "SYSTEMROOT")}
    done = subprocess.run([sys.executable, "-c", code], env={**kept, "HOME": str(tmp_path)}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
    assert [p for p in tmp_path.rglob("*") if "onnxruntime" in p.name.lower() or "microsoft" in p.name.lower()] == []
