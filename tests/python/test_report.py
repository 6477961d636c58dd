"""The report as a person meets it: opened by a browser, on a phone, on paper."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import browser
import weir
from lake import put

pytestmark = pytest.mark.skipif(
    browser.is_left_out(), reason=f"{browser.WITHOUT} is set"
)

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>"
BREWERIES = [HOSTILE, "مصنع الجعة", "x" * 300, "Old Mill", "", "🍺 & Söhne"]
PHONES = [320, 360, 414]


def model(description: str, charts: list[dict[str, str]], sql: str) -> str:
    """Return a model's file; YAML holds JSON."""
    header = json.dumps({"description": description, "charts": charts}, indent=1)
    return f"/*\n{header}\n*/\n{sql}\n"


CHARTS = [
    {
        "title": f"Named {HOSTILE}",
        "kind": "bar",
        "sql": "SELECT name, brewery_id FROM this ORDER BY brewery_id DESC LIMIT 12",
    },
    {
        "title": "By number",
        "kind": "line",
        "sql": "SELECT brewery_id, brewery_id * 2 AS twice, brewery_id * 3 AS thrice "
        "FROM this ORDER BY brewery_id",
    },
]
SQL = "SELECT brewery_id, name FROM silver.brewery WHERE deleted_at IS NULL"


@pytest.fixture(scope="module")
def lake(new_lake: Callable[[str], Path]) -> Path:
    """Return a lake with a model, bad rows, a file that failed, and names that hurt."""
    lake = new_lake("beer")
    (lake / "models/gold").mkdir(parents=True, exist_ok=True)
    text = model(HOSTILE, CHARTS, SQL)
    (lake / "models/gold/named.sql").write_text(text, encoding="utf-8")
    header = "brewery_id,name,city,state,country,founded,is_open\n"
    # Beyond the numbers of those that are generated.
    named = enumerate(BREWERIES, 900_000)
    rows = [f'{number},"{name}",A,CA,US,,true\n' for number, name in named]
    rows.append("bad,B,A,CA,US,,true\n")
    put(lake, "raw/brewery/a.csv", (header + "".join(rows)).encode())
    put(lake, "raw/brewery/b <i>&amp;.csv", b"\x1f\x8b broken")
    weir.run("generate", "--lake", lake, "--rows", 500, "--seed", 1).check()
    weir.run("run", "--lake", lake).check(weir.NOT_ALL_WELL)
    weir.run("build", "--lake", lake).check()
    return lake


@pytest.fixture(scope="module")
def made(lake: Path) -> Any:
    """Return what `weir report` says of the file that it made."""
    return weir.run("report", "--lake", lake, "--output", "json").check().json()


@pytest.fixture(scope="module")
def program() -> Iterator[browser.Browser]:
    """Return a browser that runs."""
    missing = browser.what_is_missing()
    if missing:
        pytest.fail(missing)
    found = browser.find()
    assert found is not None
    with browser.Browser(found) as running:
        yield running


@pytest.fixture
def page(program: browser.Browser, made: Any) -> browser.Browser:
    """Return the browser with the report in it, as on a desk and in the light."""
    program.dark(on=False)
    program.resize(1200, 900)
    program.open(Path(made["file"]).as_uri())
    program.settle()
    return program


INK = """(() => [...document.querySelectorAll('canvas')].map(canvas => {
  const { width, height } = canvas;
  const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  const colours = new Set();
  let inked = 0;
  for (let at = 0; at < pixels.length; at += 4) {
    if (pixels[at + 3] < 200) continue;
    inked += 1;
    colours.add(pixels.slice(at, at + 3).join());
  }
  return { inked: inked / (width * height), colours: colours.size };
}))()"""


def test_the_page_asks_nobody_and_complains_of_nothing(page: browser.Browser) -> None:
    """No request but the file itself, no message of the policy or of a script."""
    assert page.complaints() == []
    outside = [url for url in page.requests() if not url.startswith("data:")]
    assert len(outside) == 1, outside
    assert outside[0].startswith("file://")


def test_every_chart_is_drawn(page: browser.Browser, made: Any) -> None:
    """Marks and letters are on each canvas, and its numbers stand beside it."""
    charts = [chart for m in made["report"]["models"] for chart in m["charts"]]
    assert len(charts) >= len(CHARTS)
    assert all("data" in chart for chart in charts), charts
    drawn = page.run(INK)
    assert len(drawn) == sum(bool(chart["data"]["rows"]) for chart in charts)
    for canvas in drawn:
        assert canvas["inked"] > 0.005, drawn
        assert canvas["colours"] > 3, drawn
    tables = page.run("document.querySelectorAll('figure details table').length")
    assert tables == len(drawn)


def test_hostile_names_are_text(page: browser.Browser) -> None:
    """They can be read, and did nothing."""
    assert page.run("document.title") == "beer · lake report"
    assert page.run("document.querySelectorAll('img, i:not(td > i), b').length") == 0
    assert HOSTILE in page.run("document.querySelector('#models').textContent")
    assert "b <i>&amp;.csv" in page.run(
        "document.querySelector('#troubles').textContent"
    )


def test_the_state_of_the_lake_is_the_first_thing_said(page: browser.Browser) -> None:
    """Above everything else, in words, with links that lead somewhere."""
    assert page.run("document.querySelector('main > *').className") == "state failing"
    assert "Something failed" in page.run("document.querySelector('.state').innerText")
    assert (
        page.run("document.querySelector('.state').getBoundingClientRect().bottom")
        < 900
    )
    links = "[...document.querySelectorAll('a[href^=\"#\"]')]"
    lost = (
        f"{links}.filter(a => !document.querySelector(a.getAttribute('href'))).length"
    )
    assert page.run(f"{links}.length") > 5
    assert page.run(lost) == 0


@pytest.mark.parametrize("width", PHONES)
def test_a_phone_scrolls_down_and_not_sideways(
    page: browser.Browser, width: int
) -> None:
    """Wide tables scroll in their own boxes, charts shrink."""
    page.resize(width, 740, phone=True)
    assert page.run("document.documentElement.scrollWidth") == width
    assert page.run("document.documentElement.clientWidth") == width
    outside = f"""[...document.querySelectorAll('main *')].filter(of =>
      !of.closest('.scroll') && of.getBoundingClientRect().right > {width} + 0.5
    ).map(of => of.outerHTML.slice(0, 100))"""
    assert page.run(outside) == []


CONTRAST = """(() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = of => {
    for (; of; of = of.parentElement) {
      const colour = parse(getComputedStyle(of).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  let least = [99, ''];
  for (const of of document.querySelectorAll('body *')) {
    if (![...of.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    if (of.tagName === 'SCRIPT') continue;
    const [a, b] = [light(parse(getComputedStyle(of).color)), light(ground(of))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least[0]) least = [ratio, of.outerHTML.slice(0, 120)];
  }
  return least;
})()"""


@pytest.mark.parametrize("dark", [False, True])
def test_all_text_stands_out_from_its_ground(page: browser.Browser, dark: bool) -> None:
    """By WCAG's measure for text of any size (AA: 4.5), in both colour schemes."""
    page.dark(on=dark)
    ratio, where = page.run(CONTRAST)
    assert ratio >= 4.5, where
    ground = page.run("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(20, 24, 27)") == dark


def test_the_page_prints_and_is_as_it_was_afterwards(page: browser.Browser) -> None:
    """A PDF with pictures in it, in light colours, though the screen is dark."""
    page.dark(on=True)
    page.run(
        "window.seen = [], addEventListener('beforeprint', () => seen.push("
        "document.documentElement.dataset.paper, "
        "document.querySelectorAll('details[open]').length)), 0"
    )
    before = page.run("document.querySelectorAll('details[open]').length")
    pdf = page.pdf()
    assert pdf.startswith(b"%PDF-")
    assert len(pdf) > 30_000
    paper, opened = page.run("window.seen")
    assert paper == ""
    assert opened > before == 0
    assert page.run("document.querySelectorAll('details[open]').length") == 0
    assert page.run("'paper' in document.documentElement.dataset") is False
    assert page.complaints() == []


def test_all_can_be_read_without_a_script_and_by_ear(page: browser.Browser) -> None:
    """Headings go down one step at a time; tables and charts have names."""
    levels = page.run(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map(of => Number(of.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    nameless = "table:not(:has(caption)), canvas:not([aria-label])"
    assert page.run(f"document.querySelectorAll('{nameless}').length") == 0
    assert page.run("document.documentElement.lang") == "en"
    text = page.run("document.querySelector('main').textContent")
    for said in (
        "Quarantine",
        "not_of_type",
        "brewery",
        "weir retry",
        "bronze",
        "gold",
    ):
        assert said in text
