"""The reports as a browser shows them: offline, on a phone, without script."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from impact_eval.pipeline.runner import run

CHROMIUM = shutil.which("chromium")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND"]  # fmt: skip
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's Chromium is not installed"),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory, request):
    root = request.getfixturevalue("root")
    folder = tmp_path_factory.mktemp("pages") / "etude"
    shutil.copytree(root / "datasets" / "mobilite_bassins", folder)
    return run(folder).reports


def browse(profile: Path, page: Path, *options: str) -> str:
    """Run Chromium once on a page and return what it prints."""
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def measured(tmp_path: Path, page: Path, width: int) -> dict[str, float]:
    """Return sizes measured in the page at a width, by a copy that may run one script."""
    html = page.read_text(encoding="utf-8")
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    script = """<script>
    const wide = [...document.querySelectorAll('body *')].filter(e => {
      for (let p = e; p; p = p.parentElement)
        if (['auto', 'scroll'].includes(getComputedStyle(p).overflowX)) return false;
      return e.getBoundingClientRect().right > innerWidth + 1 });
    document.title = JSON.stringify({
      scroll: document.documentElement.scrollWidth, inner: innerWidth,
      wide: wide.slice(0, 3).map(e => e.tagName + '.' + e.className),
      broken: [...document.images].filter(i => !i.complete || !i.naturalWidth).length,
      images: document.images.length, alt: [...document.images].filter(i => !i.alt).length});
    </script></body>"""
    copy = tmp_path / f"{page.stem}-{width}.html"
    frame = tmp_path / f"frame-{page.stem}-{width}.html"
    copy.write_text(html.replace("</body>", script), encoding="utf-8")
    # a frame of the width wanted: a headless window has a least width of its own
    frame.write_text(
        f'<iframe id="f" src="{copy.name}" style="width:{width}px;height:900px;border:0"></iframe>'
        "<script>f.onload = () => document.title = f.contentDocument.title</script>",
        encoding="utf-8",
    )
    dom = browse(tmp_path / f"profile-{width}", frame, "--allow-file-access-from-files",
                 "--virtual-time-budget=8000", "--dump-dom")  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", dom, flags=re.S)
    assert title, "the page did not answer"
    found: dict[str, float] = json.loads(title[1].replace("&quot;", '"'))
    return found


@pytest.mark.parametrize("width", [390, 1000])
def test_fits_and_loads_everything_offline(pages, tmp_path, width):
    for page in pages:
        found = measured(tmp_path, page, width)
        assert found["inner"] == width
        assert found["scroll"] <= width + 1, f"{page.name} overflows at {width}: {found['wide']}"
        assert found["images"] >= 5
        assert found["broken"] == 0
        assert found["alt"] == 0


def test_page_shows_itself(pages, tmp_path):
    for page in pages:
        picture = tmp_path / f"{page.stem}.png"
        browse(tmp_path / "shot", page, f"--screenshot={picture}", "--window-size=1000,1400")
        assert picture.stat().st_size > 50_000, "a blank page is smaller"


def test_no_english_left_in_the_french_page(pages, tmp_path):
    french = next(page for page in pages if page.name == "rapport-fr.html")
    dom = browse(tmp_path / "dom", french, "--dump-dom")
    text = re.sub(r"<(style|head|code)\b.*?</\1>|<[^>]+>", " ", dom, flags=re.S)
    words = "the|and|with|treated|comparison|outcome|effect|not applicable|none|true|false"
    english = rf"\b({words})\b"
    assert not re.findall(english, text, flags=re.I)
    assert not re.findall(r"\[[a-z_]+\.[a-z_.]+\]", text), "a code without its words"
