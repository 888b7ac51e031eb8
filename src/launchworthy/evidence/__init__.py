"""What it proves: the ledger of evidence, its audit chain, the state of each claim and the verdict.

May import ``contract``, ``metrics``, ``stats``, ``records``, ``quantity`` and ``errors``. Knows no prover.
"""

from launchworthy.evidence.admission import Admission, AdmissionCheck, admission, verdict_statement
from launchworthy.evidence.bundle import Bundle, is_bundle, read_bundle, write_bundle
from launchworthy.evidence.bundle_report import BundleReport, altered_fault, verify_bundle
from launchworthy.evidence.chain import (
    GENESIS,
    ChainFault,
    Fault,
    SignedHead,
    canonical_json,
    key_id,
    link,
    verify,
)
from launchworthy.evidence.commitment import (
    commitment,
    decision_body,
    detail_of,
    is_opened_by,
    subject_key,
)
from launchworthy.evidence.document import verdict_json, verdict_record
from launchworthy.evidence.envelope import Opened, Trusted, open_envelope, seal, statement
from launchworthy.evidence.evidence import Evidence
from launchworthy.evidence.github import verdict_github
from launchworthy.evidence.heads import (
    append_head,
    has_heads,
    load_signing_key,
    read_heads,
    read_public_key,
    sign_head,
)
from launchworthy.evidence.jsonl import read_evidence, write_evidence
from launchworthy.evidence.judgement import goal
from launchworthy.evidence.junit import verdict_junit
from launchworthy.evidence.markdown import verdict_markdown
from launchworthy.evidence.ready import Ready
from launchworthy.evidence.replay import Replay, replayed
from launchworthy.evidence.sarif import verdict_sarif
from launchworthy.evidence.status import ClaimStatus, Ledger, LedgerEntry, Plan, State
from launchworthy.evidence.terms import DeclaredJudge, Stage, Terms, Waiver, terms_of
from launchworthy.evidence.text import verdict_text
from launchworthy.evidence.trail import (
    AuditEntry,
    AuditFilter,
    Opening,
    Openness,
    audit_entry,
    entry_words,
)
from launchworthy.evidence.verdict import Served, StageVerdict, Verdict, verdict_on
from launchworthy.evidence.wording import command_text, measured_text, plan_text, unmeasured

__all__ = [
    "GENESIS",
    "Admission",
    "AdmissionCheck",
    "AuditEntry",
    "AuditFilter",
    "Bundle",
    "BundleReport",
    "ChainFault",
    "ClaimStatus",
    "DeclaredJudge",
    "Evidence",
    "Fault",
    "Ledger",
    "LedgerEntry",
    "Opened",
    "Opening",
    "Openness",
    "Plan",
    "Ready",
    "Replay",
    "Served",
    "SignedHead",
    "Stage",
    "StageVerdict",
    "State",
    "Terms",
    "Trusted",
    "Verdict",
    "Waiver",
    "admission",
    "altered_fault",
    "append_head",
    "audit_entry",
    "canonical_json",
    "command_text",
    "commitment",
    "decision_body",
    "detail_of",
    "entry_words",
    "goal",
    "has_heads",
    "is_bundle",
    "is_opened_by",
    "key_id",
    "link",
    "load_signing_key",
    "measured_text",
    "open_envelope",
    "plan_text",
    "read_bundle",
    "read_evidence",
    "read_heads",
    "read_public_key",
    "replayed",
    "seal",
    "sign_head",
    "statement",
    "subject_key",
    "terms_of",
    "unmeasured",
    "verdict_github",
    "verdict_json",
    "verdict_junit",
    "verdict_markdown",
    "verdict_on",
    "verdict_record",
    "verdict_sarif",
    "verdict_statement",
    "verdict_text",
    "verify",
    "verify_bundle",
    "write_bundle",
    "write_evidence",
]
