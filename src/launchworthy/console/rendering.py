"""Templates: strict, escaped, and with every hidden character made visible. Imports this room only."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from launchworthy.console.visible import visible
from launchworthy.errors import StorageError

__all__ = ["BUILT", "Renderer"]

BUILT = Path(__file__).parent / "static" / "built"
_NAV = (
    ("products", "/", "Products"),
    ("traces", "/traces", "Traces"),
    ("runs", "/runs", "Runs"),
    ("gold", "/gold", "Gold sets"),
    ("ingest", "/ingest", "Ingest"),
)


def _shown(value: Any) -> Any:
    """What a template prints: text with nothing hidden in it; nothing for None."""
    if value is None:
        return ""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _breakable(address: str) -> Markup:
    """An address that a narrow column breaks after a slash, not within a name."""
    return Markup("/<wbr>").join(escape(visible(part)) for part in address.split("/"))


class Renderer:
    """Renders a page's view through its template.

    Raises:
        StorageError: The scripts and styles were not built into the package.
    """

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("launchworthy.console", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        assets = {file: _asset(file) for file in ("console.css", "console.js", "series.js")}
        self._environment.filters["breakable"] = _breakable
        self._environment.globals.update(assets=assets, nav=_NAV)

    def __call__(self, template: str, page: object) -> str:
        """The page as HTML."""
        return self._environment.get_template(template).render(page=page)


def _asset(name: str) -> str:
    """Address of a built file; its content is in the address, so browsers may keep it."""
    try:
        content = (BUILT / name).read_bytes()
    except OSError as error:
        raise StorageError(
            "the console's scripts and styles are not in this installation",
            where=str(BUILT / name),
            hint="install the package again, which builds them: pip install --no-deps --editable .",
        ) from error
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"
