"""Only documents that the contract lets be seen enter a prompt, and each that is left out says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launchworthy.contract import parse_contract
from launchworthy.errors import InputError
from launchworthy.runtime.boundary import Boundary

CONTRACT = """\
launchworthy: 1
product: shop
owners: {product: ana@example.com}
workflows:
  answer:
    user: customer
    job: find out where an order is
    no_answer: refuse
    failures:
      wrong: {kind: wrong, fix: retrieval, watched_by: quality/hit@5}
    quality: {hit@5: {at_least: 80 %}}
data:
  sources:
    help:     {class: public,       may: [see, store, learn]}
    policies: {class: internal,     may: [see, store, learn]}
    orders:   {class: confidential, may: [see], scope: own_customer}
    tickets:  {class: confidential, may: [see, store], only_for: triage}
    payments: {class: restricted,   may: []}
"""
SOURCES = ("help", "policies", "orders", "tickets", "payments", "wiki", "")


@pytest.fixture(scope="module")
def boundary() -> Boundary:
    return Boundary(parse_contract(CONTRACT))


def test_each_document_that_is_left_out_names_the_line_and_the_reason(boundary: Boundary) -> None:
    found = boundary.admit(
        [
            {"id": "a", "text": "Returns are free.", "source": "help"},
            {"id": "b", "text": "Card on file.", "source": "payments"},
            {"id": "c", "text": "Order 7", "source": "orders", "own_customer": "c-7"},
            {"id": "d", "text": "Order 8", "source": "orders", "metadata": {"own_customer": "c-8"}},
            {"id": "e", "text": "Order 9", "source": "orders"},
            {"id": "f", "text": "A ticket", "source": "tickets"},
            {"id": "g", "text": "From the web", "source": "wiki"},
            "said by nobody",
        ],
        workflow="answer",
        scopes={"own_customer": "c-7"},
    )
    assert [each.id for each in found.documents] == ["a", "c"]
    assert [(each.document.id, each.rule) for each in found.left_out] == [
        ("b", "shop/data/sources/payments"),
        ("d", "shop/data/sources/orders/scope"),
        ("e", "shop/data/sources/orders/scope"),
        ("f", "shop/data/sources/tickets/only_for"),
        ("g", "shop/data/unnamed"),
        ("8", "shop/data/unnamed"),
    ]
    assert all(each.reason for each in found.left_out)


def test_a_prompt_for_a_vendor_holds_nothing_above_its_class(boundary: Boundary) -> None:
    documents = [
        {"text": "x", "source": name, "own_customer": "c"} for name in ("help", "policies", "orders")
    ]
    for most, kept in (("public", 1), ("internal", 2), ("confidential", 3), ("restricted", 3)):
        found = boundary.admit(documents, workflow="answer", scopes={"own_customer": "c"}, most=most)
        assert len(found.documents) == kept
    with pytest.raises(InputError, match="no class of data"):
        boundary.admit([], workflow="answer", most="secret")


def test_objects_of_other_libraries_are_read(boundary: Boundary) -> None:
    @dataclass
    class Found:
        page_content: str
        metadata: dict[str, Any]

    found = boundary.admit(
        [Found("Returns are free.", {"source": "help"}), Found("Card", {"source": "payments"})],
        workflow="answer",
    )
    assert [each.text for each in found.documents] == ["Returns are free."]
    assert boundary.admit([{"text": "x"}], workflow="answer", source="help").documents


_DOCUMENTS = st.lists(
    st.fixed_dictionaries(
        {"text": st.text(min_size=1, max_size=20), "source": st.sampled_from(SOURCES)},
        optional={"own_customer": st.sampled_from(["c-1", "c-2"]), "id": st.text(max_size=5)},
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(
    documents=_DOCUMENTS,
    workflow=st.sampled_from(["answer", "triage"]),
    scopes=st.dictionaries(st.just("own_customer"), st.sampled_from(["c-1", "c-2"]), max_size=1),
    most=st.sampled_from(["public", "internal", "confidential", "restricted"]),
)
def test_whatever_is_looked_up_only_what_is_allowed_enters(
    documents: list[dict[str, str]], workflow: str, scopes: dict[str, str], most: str
) -> None:
    boundary = Boundary(parse_contract(CONTRACT))
    found = boundary.admit(documents, workflow=workflow, scopes=scopes, most=most)
    assert len(found.documents) + len(found.left_out) == len(documents)
    order = {"public": 0, "internal": 1, "confidential": 2, "restricted": 3}
    classes = {"help": "public", "policies": "internal", "orders": "confidential", "tickets": "confidential"}
    for document in found.documents:
        assert document.source in classes
        assert order[classes[document.source]] <= order[most]
        assert document.source != "tickets" or workflow == "triage"
        assert document.source != "orders" or document.owner == scopes.get("own_customer") is not None
    # Filtering is stable: what was admitted is admitted again, whole and in order.
    again = boundary.admit(found.documents, workflow=workflow, scopes=scopes, most=most)
    assert (again.documents, again.left_out) == (found.documents, ())
    # And narrower rights never admit more.
    fewer = boundary.admit(documents, workflow=workflow, scopes={}, most="public")
    assert {id(each.text) for each in fewer.documents} <= {id(each.text) for each in found.documents}


def test_nothing_is_learnt_from_what_may_not_be(boundary: Boundary) -> None:
    assert boundary.unlearnable(["help", "policies"]) is None
    assert boundary.unlearnable([]) is None
    assert "tickets" in (boundary.unlearnable(["help", "tickets"]) or "")
    assert "does not name" in (boundary.unlearnable(["wiki"]) or "")
    assert "does not say where" in (boundary.unlearnable([""]) or "")


def test_where_the_contract_names_no_source_nothing_that_was_looked_up_is_seen() -> None:
    silent = Boundary(parse_contract(CONTRACT[: CONTRACT.index("data:")]))
    found = silent.admit([{"id": "a", "text": "Returns are free.", "source": "help"}], workflow="answer")
    assert found.documents == ()
    assert [(each.rule, "names no source" in each.reason) for each in found.left_out] == [
        ("shop/data/unnamed", True)
    ]
