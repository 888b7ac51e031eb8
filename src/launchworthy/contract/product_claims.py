"""Claims of the whole product: release, data, tools, guards, proof, running, selling, signing.

May import this room only.
"""

from __future__ import annotations

from collections.abc import Iterator

from launchworthy.contract.claim import ClaimKind, Direction, Target
from launchworthy.contract.defaults import guards_in_force
from launchworthy.contract.draft import Draft, canonical_unit, margin_of, side, told_margin, words
from launchworthy.contract.model import Contract
from launchworthy.contract.model.measures import Line
from launchworthy.contract.model.safeguards import Tool
from launchworthy.contract.model.workflow import FAMILIES
from launchworthy.quantity import Quantity

__all__ = ["product_claims"]

_ZERO = Quantity(0.0)
_DONE = {"redact": "redacted", "block": "blocked", "pseudonymise": "pseudonymised", "drop": "dropped"}
_HELD = {
    "block": "the call is blocked",
    "redact": "the output is held back",
    "route": "the call is routed to a person",
    "refuse": "the call is refused",
    "defer": "the call is deferred",
    "ask": "the user is asked",
}


def product_claims(draft: Draft) -> None:
    """Write every claim of the product, in the order of the language."""
    _release(draft)
    _data(draft)
    for name, tool in draft.contract.tools.items():
        _tool(draft, name, tool)
    draft.never("tools/unnamed", "no tool runs that the contract does not name", line="tools")
    _guards(draft)
    _abuse(draft)
    _fairness(draft)
    _proof(draft)
    _gold(draft)
    _labels(draft)
    _rollout(draft)
    _monitors(draft)
    _selling(draft)
    for name, signed in draft.contract.attest.items():
        about = f" ({signed.law})" if signed.law else f" ({signed.file})" if signed.file else ""
        draft.attest(
            f"attest/{name}",
            f"{words(signed.by)} vouches for {words(name)}{about}",
            by=signed.by,
            valid_for=signed.every,
            options={"law": signed.law, "file": signed.file, "covers": signed.covers},
        )
        if signed.drill is not None:
            draft.drill(
                f"attest/{name}/drill",
                f"a test {signed.drill} for {words(name)} is answered by {words(signed.by)}",
                metric=name,
                line=f"attest/{name}",
                valid_for=signed.every,
                options={"drill": signed.drill, "by": signed.by},
            )


def _release(draft: Draft) -> None:
    release = draft.contract.release
    if release.retrieval is not None and release.retrieval.fresh_within is not None:
        draft.fresh(
            "release/retrieval",
            release.retrieval.fresh_within,
            subject="the search index is",
            metric="retrieval",
        )
    if release.features is not None:
        if release.features.fresh_within is not None:
            draft.fresh(
                "release/features", release.features.fresh_within, subject="features are", metric="features"
            )
        if release.features.point_in_time:
            draft.never(
                "release/features/point_in_time", "no training row holds what was not known at its time"
            )
    training = release.training
    if training is not None and training.embargo is not None:
        draft.never(
            "release/training/embargo",
            f"no training row is younger than {training.embargo}",
            options={"embargo_ms": training.embargo.value},
        )
    if training is not None and training.retrain is not None:
        draft.fresh("release/training/retrain", training.retrain, subject="the model is")
    if release.serving is not None and release.serving.platform is not None:
        draft.add(
            ClaimKind.DELTA,
            "release/serving",
            f"what {release.serving.platform} serves is what was proven locally",
            target=Target(direction=Direction.AT_MOST, threshold=0.0, unit="ratio"),
            margin=0.001,
            options={"platform": release.serving.platform},
        )
    for name, decision in draft.contract.decisions.items():
        triggers = []
        for address, trigger in decision.revisit.items():
            lasting = f" for {trigger.for_}" if trigger.for_ else ""
            on = f" on {words(trigger.slice)}" if trigger.slice else ""
            triggers.append(f"{address}{on} is {side(trigger.direction, trigger.threshold)}{lasting}")
        draft.add(
            ClaimKind.HOLDS,
            f"decisions/{name}",
            f"{words(name)}: {words(decision.chosen)} stays the choice until {' or '.join(triggers)}",
            options={
                "chosen": decision.chosen,
                "over": decision.over,
                "revisit": {
                    address: {
                        "direction": trigger.direction.value,
                        "threshold": trigger.threshold.value,
                        "unit": trigger.threshold.unit,
                        "for_ms": trigger.for_.value if trigger.for_ else None,
                        "slice": trigger.slice,
                    }
                    for address, trigger in decision.revisit.items()
                },
            },
        )


def _data(draft: Draft) -> None:
    data = draft.contract.data
    for name, source in data.sources.items():
        denied = [may for may in ("see", "store", "learn") if may not in source.may]
        rules = [
            {"see": "is never in a prompt", "store": "is never in records", "learn": "is never learned from"}[
                may
            ]
            for may in denied
        ]
        if source.scope:
            rules.append(f"is read only within {words(source.scope)}")
        if source.only_for:
            rules.append(f"serves only {words(source.only_for)}")
        if rules:
            draft.never(
                f"data/sources/{name}",
                f"{words(name)} {', '.join(rules)}",
                options={
                    "may": source.may,
                    "scope": source.scope,
                    "only_for": source.only_for,
                    "class": source.class_,
                },
            )
    draft.never(
        "data/unnamed", "no data is seen, stored or learned from that the contract does not name", line="data"
    )
    if data.pii is not None:
        found = ", ".join(words(kind) for kind in data.pii.find)
        for place, where in (("prompt", "a prompt"), ("response", "an answer"), ("record", "a record")):
            action = getattr(data.pii, place)
            declared = draft.contract.declares("data", "pii", place)
            # A score is computed from what it may see and shows none of it, unless the file says otherwise.
            if action == "keep" or (
                draft.contract.kind == "predictive" and place != "record" and not declared
            ):
                continue
            draft.never(
                f"data/pii/{place}",
                f"no {found} gets into {where} without being {_DONE[action]}",
                line=None if declared else "data/pii",
                options={"find": data.pii.find, "action": action},
            )
    for name in ("traces", "feedback", "gold", "audit"):
        kept = getattr(data.retention, name)
        if kept is not None:
            draft.never(
                f"data/retention/{name}",
                f"no record of {name} is older than {kept}",
                options={"kept_ms": kept.value},
            )
    if data.erasure_within is not None:
        draft.drill(
            "data/erasure_within",
            f"a person's data is gone from every file {data.erasure_within} after the request",
            options={"within_ms": data.erasure_within.value},
        )
    if data.region is not None:
        draft.never("data/region", f"no data leaves {data.region}", options={"region": data.region})
    if data.vendor is not None:
        by = "security" if "security" in draft.contract.owners else "product"
        trains = "trains" if data.vendor.trains_on_our_data else "does not train"
        kept = ""
        if data.vendor.retention is not None:
            stays = (
                f"keeps it {data.vendor.retention}" if data.vendor.retention.value else "keeps nothing of it"
            )
            kept = f" and {stays}"
        draft.attest("data/vendor", f"the vendor {trains} on what it is sent{kept}", by=by)


def _tool(draft: Draft, name: str, tool: Tool) -> None:
    path = f"tools/{name}"
    scope = f", within {words(tool.scope)}" if tool.scope else ""
    draft.never(
        path,
        f"{words(name)} runs only for {', '.join(words(role) for role in tool.roles)}{scope}",
        options={"effect": tool.effect, "roles": tool.roles, "scope": tool.scope},
    )
    if isinstance(tool.approval, tuple) and tool.approval:
        terms = [
            f"{words(each.by)}" + (f" above {each.above}" if each.above else "") for each in tool.approval
        ]
        draft.never(
            f"{path}/approval",
            f"{words(name)} never runs without the approval of {' and '.join(terms)} for its exact arguments",
            options={
                "approval": tuple(
                    {
                        "by": each.by,
                        "above": str(each.above) if each.above else None,
                        "preview": each.preview,
                        "expires_ms": each.expires.value if each.expires else None,
                    }
                    for each in tool.approval
                )
            },
        )
    if tool.undo is not None:
        draft.drill(
            f"{path}/undo",
            f"{words(name)} can be undone by {words(tool.undo.by)} within {tool.undo.within}",
            options={"by": tool.undo.by, "within_ms": tool.undo.within.value},
        )
    if tool.limits is not None:
        for limit, told in (("per_call", "in one call"), ("per_user", "for one user"), ("total", "in all")):
            value = getattr(tool.limits, limit)
            if value is not None:
                draft.never(
                    f"{path}/limits/{limit}",
                    f"{words(name)} never goes beyond {value} {told}",
                    options={"limit": value.value, "unit": value.unit},
                )
    if tool.idempotent_by:
        keys = ", ".join(words(key) for key in tool.idempotent_by)
        draft.never(f"{path}/idempotent_by", f"{words(name)} never acts twice for the same {keys}")


def _guards(draft: Draft) -> None:
    for name, guard in guards_in_force(draft.contract).items():
        outcome = (
            _HELD[guard.action] if guard.fail == "closed" else "the call goes on, and the gap is recorded"
        )
        draft.drill(
            f"guards/{name}",
            f"when the guard {words(name)} cannot check, {outcome}",
            options={"checks": guard.checks, "action": guard.action, "fail": guard.fail},
        )


def _abuse(draft: Draft) -> None:
    for name, line in draft.contract.abuse.items():
        draft.bound(
            f"abuse/{name}",
            line.direction,
            line.threshold,
            subject=f"success rate of {words(name)} attacks",
            options={"attempts": line.attempts},
        )


def _fairness(draft: Draft) -> None:
    fairness = draft.contract.fairness
    if fairness is None:
        return
    groups = ", ".join(words(group) for group in fairness.groups)
    options = {"groups": fairness.groups, "min_group": fairness.min_group}
    for which, told in (("gap", "difference"), ("ratio", "ratio")):
        for address, line in getattr(fairness, which).items():
            draft.bound(
                f"fairness/{which}/{address}",
                line.direction,
                line.threshold,
                subject=f"the largest {told} of {address} between groups of {groups}",
                metric=which,
                options={**options, "of": address},
            )


def _proof(draft: Draft) -> None:
    proof = draft.contract.proof
    draft.fresh(
        "proof/run",
        proof.valid_for,
        subject="the newest offline run of the release is",
        line="proof",
        metric="run",
    )
    for name, judge in proof.judges.items():
        draft.agree(
            f"proof/judges/{name}",
            judge.agreement.at_least,
            subject=f"agreement of judge {name} with people (kappa)",
            options={"labels": judge.labels, "coefficient": "cohen_kappa"},
        )
    for metric, outcome in proof.proxies.items():
        both = metric.startswith("labels/") and outcome.startswith("labels/")
        agreement = draft.contract.labels.agreement
        least = agreement.at_least if both and agreement is not None else _ZERO
        told = "agreement of" if both else "correlation within a release of"
        draft.agree(
            f"proof/proxies/{metric}",
            least,
            subject=f"{told} {metric} with {outcome}",
            metric="proxies",
            options={"of": metric, "for": outcome},
        )


def _gold(draft: Draft) -> None:
    for name, gold in draft.contract.gold.items():
        path, told = f"gold/{name}", f"the gold set of {name}"
        for slice_, least in gold.slices.items():
            draft.cover(
                f"{path}/slices/{slice_}",
                subject=f"{told} has {{share}} items of {words(slice_)}",
                value=Quantity(float(least)),
                workflow=None,
                metric=slice_,
                slice_=slice_,
            )
        if gold.scenarios is not None:
            draft.cover(
                f"{path}/scenarios",
                subject=f"{told} has {{share}} whole scenarios",
                value=Quantity(float(gold.scenarios)),
            )
        draft.bound(
            f"{path}/looks",
            Direction.AT_MOST,
            Quantity(float(gold.looks)),
            subject=f"the number of readings of the holdout of {name}",
            line=path if not draft.contract.declares("gold", name, "looks") else None,
        )
        if gold.refresh is not None:
            draft.fresh(f"{path}/refresh", gold.refresh, subject=f"{told} is")
        draft.never(
            f"{path}/private", f"no item of {told} stands in a prompt, an index or training data", line=path
        )


def _labels(draft: Draft) -> None:
    feedback, labels = draft.contract.feedback, draft.contract.labels
    if feedback is not None and feedback.coverage is not None:
        draft.cover(
            "feedback/coverage",
            subject=f'{{share}} of sessions answer "{feedback.ask}"',
            value=feedback.coverage.threshold,
        )
    for name, source in labels.sources.items():
        if source.within is not None:
            draft.fresh(
                f"labels/sources/{name}",
                source.within,
                subject=f"the oldest item that waits for {words(name)} is",
            )
    for kind, share in labels.sample.items():
        draft.cover(
            f"labels/sample/{kind}",
            subject=f"{{share}} of calls of the kind {words(kind)} are labelled",
            value=share,
        )
    if labels.explore is not None:
        up_to = f" of up to {labels.explore.up_to}" if labels.explore.up_to else ""
        draft.cover(
            "labels/explore",
            subject=f"{{share}} of cases{up_to} are let through to learn from",
            value=labels.explore.share,
        )
    if labels.blind_to:
        hidden = ", ".join(words(name) for name in labels.blind_to)
        draft.never("labels/blind_to", f"no rater sees {hidden} before having labelled")
    if labels.agreement is not None:
        draft.agree(
            "labels/agreement",
            labels.agreement.at_least,
            subject="agreement between raters (Krippendorff's alpha)",
            options={"coefficient": "krippendorff_alpha"},
        )
    if labels.export:
        draft.never(
            "labels/export",
            "nothing is exported from sources that may not be learned from",
            options={"to": labels.export},
        )


def _rollout(draft: Draft) -> None:
    rollout = draft.contract.rollout
    for harm in rollout.harms:
        for address, line, unit in _lines_of(draft.contract, harm):
            margin = margin_of(draft.contract, line, unit)
            draft.add(
                ClaimKind.DELTA,
                f"rollout/harms/{address}",
                f"{address} gets worse by no more than {told_margin(margin)} in any stage",
                metric="harms",
                line="rollout/harms",
                target=Target(direction=line.direction, threshold=line.threshold.value, unit=unit),
                margin=margin.value,
                options={"of": address, "unit": rollout.unit},
            )
    if rollout.roll_back is not None:
        back = rollout.roll_back
        draft.drill(
            "rollout/roll_back",
            f"on {words(back.when)} the release is taken back within {back.within}",
            options={"when": back.when, "within_ms": back.within.value},
        )


def _lines_of(contract: Contract, harm: str) -> Iterator[tuple[str, Line, str]]:
    """Address, line and unit of each target that a harm names: in one workflow, or in all that have it."""
    asked = harm.removeprefix(f"{contract.product}/")
    for name, workflow in contract.workflows.items():
        own = asked.removeprefix(f"{name}/")
        family, _, metric = own.partition("/")
        line = getattr(workflow, family, {}).get(metric) if family in FAMILIES else None
        if isinstance(line, Line):
            yield f"{name}/{own}", line, canonical_unit(family, metric, line.threshold)
    family, _, which = asked.partition("/")
    if family == "fairness" and contract.fairness is not None:
        which, _, metric = which.partition("/")
        for address, line in getattr(contract.fairness, which, {}).items():
            if metric in ("", address):
                yield f"fairness/{which}/{address}", line, line.threshold.unit
    if family == "abuse" and which in contract.abuse:
        yield asked, contract.abuse[which], "ratio"


def _monitors(draft: Draft) -> None:
    for name, monitor in draft.contract.monitors.items():
        path = f"monitors/{name}"
        options = {
            "signal": monitor.signal,
            "method": monitor.method,
            "window_ms": monitor.window.value if monitor.window else None,
            "page": monitor.page,
            "labels": monitor.labels,
            "then": monitor.then,
        }
        if monitor.inject:
            faults = ", ".join(words(fault) for fault in monitor.inject)
            draft.drill(
                path,
                f"{words(name)}: with {faults} injected, the fallbacks answer",
                valid_for=monitor.every,
                options={**options, "inject": monitor.inject},
            )
            continue
        limit = monitor.at_most if monitor.at_least is None else monitor.at_least
        window = monitor.window or Quantity(86_400_000.0, "ms")
        if limit is not None:
            direction = Direction.AT_MOST if monitor.at_least is None else Direction.AT_LEAST
            draft.bound(
                path,
                direction,
                limit,
                subject=f"{words(name)} ({monitor.signal}) within {window}",
                options=options,
            )
        else:
            draft.fresh(
                path,
                window,
                subject=f"the last look for {words(name)} ({monitor.signal}) is",
                options=options,
            )


def _selling(draft: Draft) -> None:
    adoption, pricing = draft.contract.adoption, draft.contract.pricing
    for name in ("activation", "retention"):
        line = getattr(adoption, name, None)
        if line is not None:
            when = f" within {line.within}" if line.within else f" after {line.after}" if line.after else ""
            draft.bound(
                f"adoption/{name}",
                line.direction,
                line.threshold,
                subject=f"{name}{when}",
                options={
                    "within_ms": line.within.value if line.within else None,
                    "after_ms": line.after.value if line.after else None,
                },
            )
    if pricing is None:
        return
    draft.cover(
        "pricing/value",
        subject=f"{{share}} of what is billed is a verified {words(pricing.value)}",
        options={"event": pricing.value, "packaging": pricing.packaging},
    )
    if pricing.margin is not None:
        draft.bound(
            "pricing/margin",
            pricing.margin.direction,
            pricing.margin.threshold,
            subject="margin over all accounts",
        )
    heavy = pricing.heavy_users
    if heavy is not None and heavy.margin is not None:
        draft.bound(
            "pricing/heavy_users/margin",
            heavy.margin.direction,
            heavy.margin.threshold,
            subject=f"margin of users above {heavy.above.upper()}",
            options={"above": heavy.above},
        )
    if heavy is not None and heavy.cap is not None:
        draft.never(
            "pricing/heavy_users/cap",
            f"no user goes beyond {heavy.cap}",
            options={"limit": heavy.cap.value, "unit": heavy.cap.unit},
        )
    told = pricing.expectations
    if told is not None and told.shown_in:
        where = ", ".join(words(place) for place in told.shown_in)
        draft.cover(
            "pricing/expectations/shown_in",
            subject=f"{{share}} of users saw what it is for and not for, in {where}",
        )
    if told is not None and told.misfit is not None:
        draft.bound(
            "pricing/expectations/misfit",
            told.misfit.direction,
            told.misfit.threshold,
            subject="share of use that it is not meant for",
        )
