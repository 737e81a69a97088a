"""The check that the layout tests rest on tells good pages from bad ones."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<p style='width: 3000px'>wide</p>", "px wide in a window of"),
        ("<p>below</p><p style='margin-top: -2.2em'>above</p>", "lies over"),
        (
            "<p style='width: 4em; overflow: hidden; white-space: nowrap'>cut off in mid-word</p>",
            "cuts off",
        ),
    ],
)
def test_a_fault_is_found(open_page, layout, html, fault):
    page = open_page("http://localhost")
    page.set_content(html)
    assert any(fault in line for line in layout(page))


@pytest.mark.parametrize(
    "html",
    [
        "<h1>Title</h1><p>Two paragraphs, <b>one</b> with bold text.</p><p>The other one.</p>",
        "<div style='overflow-x: auto'><p style='width: 3000px'>wide, but scrolls</p></div>",
        "<p style='width: 4em; overflow: hidden; white-space: nowrap; text-overflow: ellipsis'>shortened</p>",
        "<p>seen</p><p style='visibility: hidden; margin-top: -2.2em'>not seen</p>",
    ],
)
def test_a_good_page_has_none(open_page, layout, html):
    page = open_page("http://localhost")
    page.set_content(html)
    assert layout(page) == []


def test_a_console_error_and_a_request_to_another_host_are_problems(open_page):
    page = open_page("http://localhost")
    page.set_content("<script>console.error('broken')</script><img src='http://elsewhere.invalid/a.png'>")
    page.wait_for_load_state()
    assert {problem.partition(":")[0] for problem in open_page.problems} == {"console", "request to http"}
    open_page.problems.clear()


def test_a_style_that_the_policy_forbids_is_a_problem(page, open_page):
    page.goto("/")
    page.evaluate("document.body.setAttribute('style', 'color: red')")
    page.evaluate("document.head.append(document.createElement('style'))")
    page.wait_for_timeout(100)
    forbidden = " ".join(problem for problem in open_page.problems if problem.startswith("console: policy:"))
    assert "style-src-attr" in forbidden
    assert "style-src-elem" in forbidden
    open_page.problems.clear()
