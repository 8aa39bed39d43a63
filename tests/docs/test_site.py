"""The built documentation: nothing is fetched from elsewhere, and the reference keeps its order."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys

import pytest

from docs.blocks import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        check=True,
    )
    return folder


def loaded_from_elsewhere(page: str) -> list[str]:
    """Return the addresses that a browser loads with a page."""
    loads = (
        r'<(?:script|img|iframe|source)\b[^>]*\bsrc="(https?://[^"]+)|url\(["\']?(https?://[^)]+)'
    )
    links = r'<link\b(?![^>]*rel="canonical")[^>]*\bhref="(https?://[^"]+)'
    return [next(filter(None, found)) for found in re.findall(f"{loads}|{links}", page)]


def test_nothing_is_fetched_from_elsewhere(site):
    pages = [*site.rglob("*.html"), *site.rglob("*.css")]

    assert len(pages) > 15
    assert {
        page.name: found for page in pages if (found := loaded_from_elsewhere(page.read_text()))
    } == {}
    # The theme asks GitHub for stars where it knows the repository.
    assert 'data-md-component="source"' not in (site / "index.html").read_text()


def test_pictures_describe_themselves(site):
    for page in ("index.html", "design/index.html"):
        picture = re.search(r"<svg class=.*?</svg>", (site / page).read_text(), re.DOTALL)
        assert picture
        assert re.search(r"<title id=[^>]+>[^<]{10,}</title>", picture[0])
        assert re.search(r"<desc id=[^>]+>[^<]{40,}</desc>", picture[0])


@pytest.mark.parametrize(
    ("page", "first"),
    [
        ("adapter", "evalhub.adapter.FrameworkAdapter"),
        ("client", "evalhub.client.EvalHubClient"),
        ("errors", "evalhub.errors.EvalHubError"),
        ("models", "evalhub.models.JobSubmissionRequest"),
        ("oci", "evalhub.oci.OCIArtifactPersister"),
        ("settings", "evalhub.settings.AdapterSettings"),
        ("testing", "evalhub.testing.AdapterHarness"),
    ],
)
def test_reference_pages_begin_with_what_people_look_for(site, page, first):
    html = (site / "reference" / page / "index.html").read_text()

    assert re.findall(r'<h3 id="([^"]+)" class="doc', html)[0] == first
    assert "Bases: <code>_" not in re.sub(r"\s+", " ", html)


@pytest.mark.parametrize(
    "module", ["adapter", "client", "errors", "models", "oci", "settings", "testing"]
)
def test_every_public_name_is_on_its_reference_page(site, module):
    html = (site / "reference" / module / "index.html").read_text()
    names = importlib.import_module(f"evalhub.{module}").__all__

    assert [name for name in names if not re.search(rf"\b{name}\b", html)] == []


def test_signatures_are_those_that_callers_see(site):
    html = re.sub(r"<[^>]+>", "", (site / "reference" / "client" / "index.html").read_text())

    assert "-&gt; EvaluationJob" in html
    assert "Flow[" not in html
