"""What docs/tables.md shows below its examples is what they print."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "tables.md"
SHOWN = re.compile(r"^```python\n(.*?)^```\n+```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = SHOWN.findall(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("code", "output"), EXAMPLES)
def test_an_example_prints_what_the_page_shows(
    code: str,
    output: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(PAGE), "exec"), {})  # noqa: S102 - the page is ours

    assert capsys.readouterr().out == output


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 2
