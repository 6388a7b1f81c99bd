"""The page of a run in a browser: it loads nothing, fits any width, and can be read in light and dark."""

# ruff: noqa: F401, F811 -- fixtures are imported by their names
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from page_of_a_run import html, page, run

from tersely_eval.report.economics import economics_html
from tersely_eval.report.money import read_prices
from tersely_eval.report.page import html_page
from tersely_eval.report.svg import COLOURS

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def contrast(one: str, other: str) -> float:
    """As WCAG defines it, of two colours like #1b1e22."""

    def luminance(colour: str) -> float:
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("shade", [0, 1])
def test_text_and_charts_stand_out_on_light_and_dark(html, shade) -> None:
    blocks = re.findall(r":root \{([^}]*--paper[^}]*)\}", html)
    assert len(blocks) == 2
    colours = dict(re.findall(r"--(\w+): (#\w{6})", blocks[shade]))
    for name in ("ink", "quiet", "dropped", "alarm", "link"):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    assert contrast(colours["ink"], colours["mark"]) >= 4.5
    for series in COLOURS:
        assert contrast(series[shade], colours["paper"]) >= 3


def test_drawing_libraries_are_imported_where_they_are_used() -> None:
    code = "import sys, tersely_eval.report.page; print(sorted({'matplotlib', 'jinja2'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def browse(page: str, folder: Path, size: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "page.html").write_text(page, encoding="utf-8")
    return subprocess.run(
        [
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder / 'profile'}",
            f"--window-size={size}",
            "--enable-logging=stderr",
            "--v=0",
            *options,
            (folder / "page.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "HOME": str(folder)},
    )


@pytest.mark.skipif(not BROWSER, reason="no browser")
@pytest.mark.parametrize("width", [500, 1280])
def test_a_browser_shows_charts_and_does_not_scroll_sideways(run, tmp_path, width) -> None:
    html = html_page(run, economics_html(run, read_prices()))
    script = """<script>
        const sizes = [...document.querySelectorAll("svg")].map(svg => svg.getBoundingClientRect());
        const [all, seen] = [document.documentElement.scrollWidth, window.innerWidth];
        document.title = [...sizes.map(size => `${size.width}x${size.height}`), `${all}/${seen}`].join(" ");
    </script>"""
    done = browse(html.replace("</body>", f"{script}</body>"), tmp_path, f"{width},900", "--dump-dom")
    assert done.returncode == 0, done.stderr
    assert "CONSOLE" not in done.stderr
    *sizes, widths = re.search("<title>(.*?)</title>", done.stdout)[1].split()
    assert len(sizes) == 6
    for size in sizes:
        across, down = map(float, size.split("x"))
        assert 300 < across <= width and 200 < down < across
    all_of_it, seen = map(int, widths.split("/"))
    assert all_of_it <= seen


@pytest.mark.skipif(not BROWSER, reason="no browser")
def test_a_browser_paints_it_light_and_dark(html, tmp_path) -> None:
    import numpy as np
    from matplotlib.image import imread

    brightness = {}
    for scheme, number in (("dark", 0), ("light", 1)):
        shot = tmp_path / f"{scheme}.png"
        browse(html, tmp_path, "900,900", f"--screenshot={shot}", f"--blink-settings=preferredColorScheme={number}")
        pixels = imread(shot)[..., :3]
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100  # not blank
        brightness[scheme] = float(np.median(pixels))
    assert brightness["dark"] < 0.2 and brightness["light"] > 0.95
