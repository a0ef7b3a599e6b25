"""The page says what the figures say, shows every text as text, and needs nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from airflow_provider_openai_batch.batch.report.page import render
from tests.batch.report.reports import ALL_FAILED, EMPTY, REPORTS, TEMPLATE, WORDS, make_report

if TYPE_CHECKING:
    from airflow_provider_openai_batch.batch.report.report_values import Report

KNOWN = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "p", "h1", "h2", "h3", "bdi",
    "dl", "dt", "dd", "div", "section", "svg", "rect", "line", "ul", "li", "span", "b", "br",
    "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "footer", "a",
}  # fmt: skip


def parsed(report: Report) -> ET.Element:
    """Read a page strictly: it is well-formed XML as well as HTML."""
    page = render(report, TEMPLATE)
    assert page.startswith("<!DOCTYPE html>\n")
    return ET.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def told(report: Report) -> str:
    """Return what a reader sees, each run of blanks as one."""
    body = parsed(report).find("body")
    assert body is not None
    return " ".join("".join(body.itertext()).split())


@pytest.mark.parametrize("name", REPORTS)
def test_every_page_is_well_formed(name: str):
    """No text of any kind opens an element or breaks one."""
    found = {element.tag for element in parsed(REPORTS[name]).iter()}

    assert found <= KNOWN


@pytest.mark.parametrize("name", REPORTS)
def test_a_page_needs_nothing_else(name: str):
    """There is no script, no handler, and nothing to fetch; the page itself forbids them, too."""
    parts = [element for element in parsed(REPORTS[name]).iter() if element.tag != "a"]
    names = {attribute for element in parts for attribute in element.attrib}

    assert not {"src", "href", "srcset", "action", "data"} & names
    assert not [attribute for attribute in names if attribute.startswith("on")]
    page = render(REPORTS[name], TEMPLATE)
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_the_only_link_is_that_of_the_dag_run():
    """A reader who clicks it is in Airflow; a report that does not know its address has none."""
    links = {name: [a.attrib for a in parsed(report).iter("a")] for name, report in REPORTS.items()}

    assert links["compared"] == [{"href": REPORTS["compared"].dag_run_url}]
    assert [name for name, found in links.items() if found] == ["compared", "strained"]


def test_drift_is_seen():
    """Each figure stands beside that of the run before, with a line over all runs, and what else is new."""
    report = REPORTS["compared"]
    page = told(report)

    assert "Source: warehouse.tickets, with a condition · Partition: (id % 2) = 0" in page
    assert "Target: warehouse.ticket_labels" in page
    rows = [
        " | ".join("".join(cell.itertext()).strip() for cell in row)
        for table in parsed(report).iter("table")
        if "trends" in table.attrib["class"]
        for row in table.findall("tbody/tr")
    ]
    assert rows == [
        "Rows |  | 1,143 | 1,010 | \u221212%",
        "Cost per 1,000 rows |  | 0.010 USD | 0.012 USD | +20%",
        "Rows that are not ok |  | 2.7% | 4.0% | +1.3 points",
        "bugcategory |  | 53.5% | 59.4% | +5.9 points",
        "featurecategory |  | 30.4% | 36.6% | +6.2 points",
    ]
    lines = [len(svg) for svg in parsed(report).iter("svg") if svg.attrib["class"] == "trend"]
    assert lines == [13, 11, 13, 13, 13]  # twelve strokes and a dot; the cost of one run is unknown
    assert "The run before had another prompt, other parameters, or another output type." in page
    assert "12 earlier runs of this task" in page
    assert "Compared" not in told(make_report())


def test_the_estimate_stands_beside_what_it_took():
    """Tokens and cost of all requests of the rows, as they were expected and as they came."""
    page = told(REPORTS["compared"])

    for line in ("Input tokens60,00061,204 102.0%", "Cost0.020 USD0.012 USD 61.5%"):
        assert line.replace(" ", "") in page.replace(" ", "")
    assert "Estimated before anything was sent, for all 900 requests of these rows." in page
    assert "0.020 USD estimated in all" in page
    assert "no estimate" in told(make_report())


def test_texts_are_shown_as_they_are():
    """Labels of any writing are there to read, as text of their own direction; control characters are not."""
    shown = {text for bdi in parsed(REPORTS["strained"]).iter("bdi") for text in bdi.itertext()}

    assert {WORDS[0], WORDS[1], *WORDS[4:7]} <= shown
    assert "x" * 300 + "…" in shown
    assert "\ufffdbell\ufffdand\ufffdescape" in shown


def plotted(report: Report, kind: str) -> list[int]:
    """Return what the plots of a kind draw."""
    return [
        int(rect.attrib["data-value"])
        for svg in parsed(report).iter("svg")
        if svg.attrib["class"] == kind
        for rect in svg.iter("rect")
    ]


def test_plots_draw_the_figures():
    """Each shape carries the number that it stands for, and the numbers are the report's."""
    report = make_report()

    assert plotted(report, "stacked") == list(report.counts.values())
    spread = report.labels[0]
    tokens = report.tokens
    assert plotted(report, "bar") == [
        *(label.rows for label in spread.labels),
        spread.empty,
        *(tokens.input, tokens.cached, tokens.output, tokens.reasoning),
        *(attempt.rows for attempt in report.attempts),
    ]
    sends = [send for shard in report.shards for send in shard.sends]
    assert plotted(report, "timeline") == [round(send.ended_at - send.created_at) for send in sends]  # type: ignore[operator]


SAID = {
    "compared": ["12 earlier runs of this task", "DAG run"],
    "ordinary": ["1,010", "1,000 written, 10 kept, 7 skipped", "96.0%", "0.012 USD", "3 h 1 min", "order-17"],
    "strained": ["unknown", "Add it to the file that [openai_batch] prices names", "report.json has all"],
    "empty": ["There are no rows", "Nothing was sent.", "0.00 USD", "No answers."],
    "all_failed": ["0.0%", "invalid_request_error", "response_format", "Keys are not shown"],
    "unsent": ["1 shard was not sent", "2 shards, sent 1 time"],
}


@pytest.mark.parametrize("name", SAID)
def test_pages_say_it_in_words(name: str):
    """What a plot shows is written beside it, and what to do where there is something to do."""
    page = told(REPORTS[name])

    assert [text for text in SAID[name] if text not in page] == []


def test_an_unknown_cost_has_its_reason():
    """The advice on prices stands where one is missing only; tokens that nobody told are another matter."""
    assert "price of a model is unknown" not in told(make_report())
    assert "price of a model is unknown" in told(make_report(cost_usd=None, priced=False, models=()))
    untold = told(make_report(cost_usd=None, models=()))
    assert "did not report the tokens of every answer" in untold
    assert "price of a model is unknown" not in untold


def test_a_page_is_bounded():
    """However many shards there are, the page lists some and says where the others are."""
    page = parsed(REPORTS["strained"])
    sends = next(table for table in page.iter("table") if "sends" in table.attrib["class"])

    assert len(sends.findall("tbody/tr")) == 200
    assert len(plotted(REPORTS["strained"], "timeline")) == 200


def test_keys_are_shown_where_there_are_some():
    """A load without failures has no example, whether or not keys may be shown."""
    assert "For example" not in told(EMPTY)
    assert "Keys are not shown" not in told(EMPTY)
    assert "For example" not in told(ALL_FAILED)


def test_light_dark_and_paper():
    """The page follows the reader's scheme and prints in the light one; every color is defined in each."""
    style = next(parsed(make_report()).iter("style")).text or ""
    schemes = [
        set(re.findall(r"(--[\w-]+):", block)) for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    ]

    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style
    assert len(schemes) == 3
    assert schemes[0] == schemes[1] == schemes[2] == set(re.findall(r"var\((--[\w-]+)\)", style))


def test_words_of_a_newer_version_come_last():
    """A status that this version does not know is shown after the known ones."""
    report = make_report(counts={"zebra": 1, "refused": 2, "ok": 3})

    assert plotted(report, "stacked") == [3, 2, 1]
