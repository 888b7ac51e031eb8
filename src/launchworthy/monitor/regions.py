"""Where calls of models went, by what their spans say. May import ``evidence`` and this room.

A span says so with ``launchworthy.region``, or by the host that it asked (``server.address``), whose name
holds the region at the large providers. Of another span it is not known: where the application itself runs
(``cloud.region``) does not tell where its models do.
"""

# ruff: noqa: S608 (SQL of this room; names and values are parameters)
from __future__ import annotations

from launchworthy.evidence import Evidence
from launchworthy.monitor.piece import evidence_of, nothing
from launchworthy.monitor.sample import Sample, breaches
from launchworthy.monitor.scene import UNIT, Ask, Bind
from launchworthy.records import Own

__all__ = ["PLACE", "belongs", "region"]

# Hosts of providers that name a place: eu.api.example.com, bedrock-runtime.eu-central-1.amazonaws.com,
# europe-west4-aiplatform.googleapis.com.
_HOST = (
    r"(?:^|[.-])((?:eu|us|uk|ap|ca|sa|me|af|il|cn|europe|asia|australia)"
    r"(?:-(?:gov-)?(?:north|south|east|west|central)[a-z]*-?[0-9])?)(?:[.-]|$)"
)
PLACE = (
    "CASE WHEN json_valid(attributes) THEN lower(coalesce("
    f"json_extract_string(attributes, '/{Own.REGION}'),"
    " nullif(regexp_extract(lower(json_extract_string(attributes, '/server.address')),"
    f" '{_HOST}', 1), ''))) END"
)
"""SQL for the region that a span names; null where it names none."""

# What a place in a contract stands for, as the beginnings of names of regions.
_WITHIN = {
    "eu": (
        "eu", "europe-", "westeurope", "northeurope", "france", "germany", "sweden", "italy", "spain",
        "poland",
    ),
    "us": ("us", "eastus", "westus", "centralus", "northcentralus", "southcentralus", "westcentralus"),
    "uk": ("uk", "eu-west-2", "europe-west2"),
    "ch": ("ch", "switzerland", "eu-central-2", "europe-west6"),
}  # fmt: skip
# Regions whose name says Europe, and that lie outside the European Union.
_OUTSIDE_EU = ("eu-west-2", "eu-central-2", "europe-west2", "europe-west6")


def belongs(place: str, declared: str) -> bool:
    """Whether a region lies within what a contract declares.

    >>> belongs("eu-central-1", "EU"), belongs("us-east-1", "EU"), belongs("europe-west2", "EU")
    (True, False, False)
    """
    place, wanted = place.casefold(), declared.casefold()
    if place == wanted:
        return True
    if wanted == "eu" and place.rstrip("abcdef").rstrip("-") in _OUTSIDE_EU:
        return False
    return place.startswith(_WITHIN.get(wanted, (f"{wanted}-",)))


def region(ask: Ask) -> Evidence | None:
    """Calls of models that went to another place than the contract declares."""
    declared = str(ask.claim.options.get("region", ""))
    bind = Bind()
    spans = (
        f"SELECT {UNIT} AS unit, trace_id, start_time, coalesce(simulated, false) AS sim, {PLACE} AS place"
        f" FROM spans WHERE product = {bind(ask.scene.product)} AND start_time >= {bind(ask.since_ns)}"
        f" AND start_time < {bind(ask.until_ns)} AND kind IN ('model', 'embedding')"
    )
    places = [
        row["place"]
        for row in ask.scene.query(
            f"SELECT DISTINCT place FROM ({spans}) WHERE place IS NOT NULL", bind.values
        )
    ]
    if not places:
        return nothing(
            ask,
            f"no call of a model says where it went; set {Own.REGION} on its span",
            noun="call of a model",
            release=False,
        )
    outside = sorted(place for place in places if not belongs(place, declared))
    named = ", ".join(bind(place) for place in outside)
    sample = Sample(
        sql="SELECT unit, trace_id AS trace, start_time AS began, sim,"
        f" CASE WHEN place IS NOT NULL THEN ({f'place IN ({named})' if named else 'false'})::DOUBLE END AS x,"
        f" 0.0 AS y FROM ({spans})",
        parameters=bind.values,
        noun="call of a model",
        missing=f"the span does not say where the call went ({Own.REGION}, server.address)",
    )
    return evidence_of(
        ask,
        breaches(ask.scene.query, sample),
        detail={"regions": sorted(places), "outside": outside},
        release=False,
    )
