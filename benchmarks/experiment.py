"""Frames of the page while 200 pictures come at once, and the time to restore 50 with 200 edits.

    python -m benchmarks.experiment

In Chromium without a GPU. The service's answers are made ones, so that no model is needed; the page is the
real one.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

from benchmarks.painting import ARGUMENTS, KEY, reply, scene, served

SIDE = 1024
DROPLETS = 100
DROPPED = 200
RESTORED = 50
EDITS = 200
WAIT_MS = 300_000
RECORD = """
() => {
  const times = (globalThis.times = []);
  const frame = (now) => { times.push(now); requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}
"""
DONE = """
async (count) => {
  const { now } = await import("/static/js/state.js");
  const frame = () => new Promise(requestAnimationFrame);
  const ready = ({ status, thumb }) => status === "done" && thumb;
  while (now().pictures.filter(ready).length < count) await frame();
  return globalThis.times.slice(1).map((time, i) => time - globalThis.times[i]);
}
"""
EDIT = """
async (edits) => {
  const { now } = await import("/static/js/state.js");
  const { edit } = await import("/static/js/history.js");
  const { sessions } = await import("/static/js/session/database.js");
  for (let i = 0; i < edits; i++) {
    const picture = now().pictures[i % now().pictures.length];
    edit(picture, { excluded: new Set([...picture.edits.excluded, picture.edits.excluded.size]) });
  }
  const kept = async () => {
    const [{ pictures }] = await sessions();
    return pictures.reduce((sum, each) => sum + each.edits.excluded.length, 0);
  };
  while ((await kept()) < edits) await new Promise(requestAnimationFrame);
}
"""
RESTORE = """
async (count) => {
  const { now } = await import("/static/js/state.js");
  const frame = () => new Promise(requestAnimationFrame);
  let button;
  while (!(button = document.querySelector("#session-list button"))) await frame();
  const begun = performance.now();
  button.click();
  while (document.querySelectorAll("#strip li").length < count || !now().pictures[0].bitmap) await frame();
  await frame();
  return performance.now() - begun;
}
"""


def main() -> None:
    """Print frame times and the time of restoring."""
    picture, answer = scene(SIDE, DROPLETS)
    with served() as address, TemporaryDirectory() as folder, sync_playwright() as playwright:
        files = [Path(folder) / f"{i:03}.png" for i in range(DROPPED)]
        for file in files:
            file.write_bytes(picture)
        path = shutil.which("chromium")
        assert path, "this needs Chromium: Debian's package chromium"
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        print(f"{SIDE}x{SIDE} pixels, {DROPLETS} outlines a picture, window 1440x900, no GPU")
        for measure in (dropped, restored):
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.set_default_timeout(WAIT_MS)
            context.route("**/segment_file", lambda route: reply(route, answer))
            page = context.new_page()
            page.goto(address)
            page.fill("#start-key-input", KEY)
            page.press("#start-key-input", "Enter")
            measure(page, files)
            context.close()
        browser.close()


def dropped(page: Page, files: list[Path]) -> None:
    """Bring all pictures at once, and tell how long frames take until the last one is done."""
    page.wait_for_function("() => globalThis.Plotly !== undefined")  # it comes with the key
    page.evaluate(RECORD)
    page.set_input_files("#files", files)
    times = sorted(page.evaluate(DONE, len(files)))
    over = sum(time > 100 for time in times)
    print(
        f"{len(files)} pictures in {sum(times) / 1000:.0f} s: median frame {times[len(times) // 2]:.0f} ms, "
        f"99 % under {times[int(0.99 * len(times))]:.0f} ms, longest {times[-1]:.0f} ms, {over} over 100 ms"
    )


def restored(page: Page, files: list[Path]) -> None:
    """Edit some pictures, reload the page, and tell how long it takes to go on."""
    page.evaluate(RECORD)
    page.set_input_files("#files", files[:RESTORED])
    page.evaluate(DONE, RESTORED)
    page.evaluate(EDIT, EDITS)
    page.reload()
    print(f"{RESTORED} pictures with {EDITS} edits restored in {page.evaluate(RESTORE, RESTORED):.0f} ms")


if __name__ == "__main__":
    main()
