"""The picture of `result.plot` in the documents, taken out of the notebook that drew it.

Run as `python -m tests.notebook_picture` after the notebook was run.
"""

import base64
import json
from pathlib import Path

__all__ = ["PICTURE", "picture"]

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "01_quickstart.ipynb"
PICTURE = ROOT / "docs" / "images" / "answers-by-plan.png"


def picture() -> bytes:
    """The last picture of the notebook, as PNG."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    found = [
        output["data"]["image/png"]
        for cell in cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]
    return base64.b64decode(found[-1])


if __name__ == "__main__":
    PICTURE.write_bytes(picture())
