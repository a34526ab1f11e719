"""nbconvert exporters: an executed notebook becomes a report, from its blocks alone.

`jupyter nbconvert --to impact-html notebook.ipynb` and JupyterLab's "Save and export" menu offer
them; `impact-eval run` calls the same classes. Cells, code and other outputs are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbconvert.exporters import Exporter
from traitlets import Unicode, default

from impact_eval.core.findings import Finding, ImpactEvalError
from impact_eval.pipeline.notebook import bundles, results_of
from impact_eval.report.blocks import AnyBlock, blocks_from_bundles
from impact_eval.report.docx import render_docx
from impact_eval.report.html import render_html
from impact_eval.report.masthead import page_meta
from impact_eval.report.pdf import render_pdf
from impact_eval.report.texts import user_language


def blocks_of(notebook: Any) -> list[AnyBlock]:
    """Return the blocks of an executed notebook; one that has none is refused."""
    found = blocks_from_bundles(bundles(notebook))
    if not found:
        raise ImpactEvalError(Finding.error("no_blocks"))
    return found


def meta_of(notebook: Any) -> Mapping[str, Any]:
    """Return what the head of a report shows about the study that a notebook evaluated."""
    found = results_of(notebook)
    return {} if found is None else page_meta(found)


class ImpactExporter(Exporter):
    """What the exporters share: blocks, metadata and language of one executed notebook."""

    language = Unicode(help="Language of the report: fr, en, or another one installed.").tag(
        config=True
    )

    @default("language")
    def _default_language(self) -> str:
        return user_language()

    def from_notebook_node(
        self, nb: Any, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Export a notebook's blocks."""
        _, prepared = super().from_notebook_node(nb, resources, **kw)
        content = self.render(blocks_of(nb), meta_of(nb))
        return content, prepared

    def render(self, blocks: Sequence[AnyBlock], meta: Mapping[str, Any]) -> Any:
        """Write the report; each format says how."""
        raise NotImplementedError


class ImpactHTMLExporter(ImpactExporter):
    """One HTML file that needs nothing else: no script, no network."""

    output_mimetype = "text/html"
    export_from_notebook = "Rapport impact_eval (HTML)"

    @default("file_extension")
    def _file_extension(self) -> str:
        return ".html"

    def render(self, blocks: Sequence[AnyBlock], meta: Mapping[str, Any]) -> str:
        """Write the HTML report."""
        return render_html(blocks, meta, self.language)


class ImpactPDFExporter(ImpactExporter):
    """A tagged PDF (PDF/UA-1) that refuses a missing alternative text."""

    output_mimetype = "application/pdf"
    export_from_notebook = "Rapport impact_eval (PDF)"

    @default("file_extension")
    def _file_extension(self) -> str:
        return ".pdf"

    def render(self, blocks: Sequence[AnyBlock], meta: Mapping[str, Any]) -> bytes:
        """Write the PDF report."""
        return render_pdf(blocks, meta, self.language)


class ImpactDocxExporter(ImpactExporter):
    """A Word document with real styles, to be annotated."""

    output_mimetype = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    export_from_notebook = "Rapport impact_eval (Word)"

    @default("file_extension")
    def _file_extension(self) -> str:
        return ".docx"

    def render(self, blocks: Sequence[AnyBlock], meta: Mapping[str, Any]) -> bytes:
        """Write the Word report."""
        return render_docx(blocks, meta, self.language)


EXPORTERS: Mapping[str, type[ImpactExporter]] = {
    "html": ImpactHTMLExporter,
    "pdf": ImpactPDFExporter,
    "docx": ImpactDocxExporter,
}
