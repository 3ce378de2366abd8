"""The status as a page that reloads itself until the end: no script, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
import hashlib

from corpus.report.markup import text
from corpus.status.parts import RUNNING, Part, Status
from corpus.status.show import HEADERS, cells, head, remarks

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8883; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
h1 { font-size: 1.3rem; overflow-wrap: anywhere; }
div { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td { font-variant-numeric: tabular-nums; }
progress { width: 6rem; vertical-align: middle; }
.running td:nth-child(2) { font-weight: 600; }
.stalled, .failed { background: var(--soft); }
.stalled td:nth-child(2)::before, .failed td:nth-child(2)::before { content: "! "; font-weight: 700; }
""".strip()


def page(status: Status, every: float) -> str:
    """HTML; it asks the browser to load it again every so many seconds while the work goes on."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:"
    again = f'<meta http-equiv="refresh" content="{max(round(every), 1)}">' if status.state == RUNNING else ""
    heads = "".join(f'<th scope="col">{text(name or "share")}</th>' for name in HEADERS)
    rows = "\n".join(_row(part) for part in status.parts)
    notes = "".join(f"<li><b>{text(name)}</b>: {text(sentence)}</li>" for name, sentence in remarks(status))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
{again}
<title>{text(status.state)}: {text(status.folder)}</title>
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{text(head(status))}</h1>
<div role="region" aria-label="Parts" tabindex="0"><table>
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
<ul>{notes}</ul>
</main>
</body>
</html>
"""


def _row(part: Part) -> str:
    shown = [text(cell) for cell in cells(part)]
    if part.share is not None and part.unit:
        shown[3] = (
            f'<progress max="1" value="{part.share:.4f}" aria-label="{shown[3]} done"></progress> {shown[3]}'
        )
    first, *rest = shown
    rest_of_row = "".join(f"<td>{cell}</td>" for cell in rest)
    return f'<tr class="{text(part.state)}"><th scope="row">{first}</th>{rest_of_row}</tr>'
