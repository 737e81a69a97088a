"""The page's state: who subscribes to what, and when it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

SCRIPT = """
async () => {
  const { current, derived, now, set, subscribe, update } = await import("/static/js/state.js");
  const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const heard = [];
  BODY
  return heard;
}
"""


@pytest.fixture
def heard(page) -> Callable[[str], Any]:
    """Runs JavaScript with the names of state.js; answers with what it puts into `heard`."""
    page.goto("/")
    return lambda body: page.evaluate(SCRIPT.replace("BODY", body))


def test_a_part_is_called_for_its_keys_only_and_with_the_state(heard):
    assert heard("""
      subscribe(["tool", "outlines"], ({ tool, outlines }) => heard.push([tool, outlines]));
      await frame();
      set({ tool: "add" });
      await frame();
      set({ pooled: true });
      await frame();
      set({ outlines: false });
      await frame();
    """) == [["add", True], ["add", False]]


def test_changes_of_a_frame_are_one_update(heard):
    assert heard("""
      subscribe(["tool", "outlines"], ({ tool, outlines }) => heard.push([tool, outlines]));
      set({ tool: "add" });
      set({ tool: "measure" });
      set({ outlines: false });
      await frame();
      set({ tool: "region" });
      set({ tool: "measure" });
      await frame();
    """) == [["measure", False]]


def test_who_subscribed_first_is_called_first_and_sees_the_same_state(heard):
    assert heard("""
      subscribe(["tool"], ({ tool }) => {
        heard.push(`first ${tool}`);
        if (tool === "add") set({ tool: "region" });
      });
      subscribe(["outlines"], () => heard.push("of other keys"));
      subscribe(["tool"], ({ tool }) => heard.push(`second ${tool}`));
      set({ tool: "add" });
      await frame();
      await frame();
    """) == ["first add", "second add", "first region", "second region"]


def test_a_value_made_of_the_state_is_a_key_too(heard):
    assert heard("""
      const smallest = ({ filters }) => filters.area_min;
      subscribe([smallest], (state) => heard.push(smallest(state) ?? "none"));
      set({ filters: { area_min: 5 } });
      await frame();
      set({ filters: { area_min: 5, area_max: 9 } });
      await frame();
      set({ filters: {} });
      await frame();
    """) == [5, "none"]


def test_a_derived_value_is_made_again_only_after_a_change_of_its_keys(heard):
    assert heard("""
      const doubled = derived(["pixelSize"], ({ pixelSize }) => {
        heard.push("made");
        return 2 * pixelSize;
      });
      set({ pixelSize: 3 });
      heard.push(doubled(now()), doubled(now()));
      set({ tool: "add" });
      heard.push(doubled(now()));
      subscribe([doubled], (state) => heard.push(`told ${doubled(state)}`));
      set({ pixelSize: 4 });
      await frame();
    """) == ["made", 6, 6, 6, "made", "told 8"]


def test_a_tabs_panel_is_painted_while_it_is_seen_and_when_it_comes_into_view(heard):
    assert heard("""
      const { whileSeen } = await import("/static/js/panels/tabs.js");
      whileSeen("table", ["tool"], ({ tool }) => heard.push(tool));
      set({ tool: "add" });
      await frame();
      document.getElementById("tab-table").click();
      set({ tool: "measure" });
      await frame();
      document.getElementById("tab-sizes").click();
      set({ tool: "select" });
      await frame();
    """) == ["add", "measure"]
