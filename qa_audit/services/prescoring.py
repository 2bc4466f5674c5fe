"""The third stage: what the machine makes of a call under each rubric that applies to it."""

from __future__ import annotations

from qa_audit.domain.call import Call, CallFacts
from qa_audit.domain.prescore import prescore
from qa_audit.domain.transcript import Transcript
from qa_audit.media.protocol import Measurement
from qa_audit.services import measuring, rubrics
from qa_audit.services.stage import Outcome, Work
from qa_audit.storage import results
from qa_audit.storage.database import Session
from qa_audit.storage.results import Subject

MOST_SECONDS = 300.0


def run(work: Work) -> Outcome:
    """Pre-score a call under every rubric version that applies to it; earlier pre-scores are replaced.

    The checks hear what was said; what they quote is masked. Where the speakers are unknown, criteria come
    out as not assessed.
    """
    work.limit(MOST_SECONDS)
    call_id = work.lease.call_id
    with work.ports.db.read() as session:
        call = heard_call(session, call_id, work.subject)
        masked = results.masked_transcript(session, call_id)
        language = call.transcript.language
        chosen = rubrics.applicable(session, work.subject, language, work.ports.settings.time_zone)
    scored = []
    for number, (key, rubric) in enumerate(chosen):
        scored.append((key, prescore(rubric, call, masked, tools=work.ports.tools)))
        work.progress((number + 1) / len(chosen))

    def store(session: Session) -> None:
        results.save_prescores(session, call_id, scored, keep_others=results.has_audit(session, call_id))

    return Outcome(store, status="prescored")


def heard_call(session: Session, call_key: int, subject: Subject) -> Call:
    """Return a stored call as the checks hear it: its unmasked words, which must reach nobody but them.

    Raises NotFound for a call without a transcript.
    """
    measured = measuring.from_facts(results.measurement(session, call_key))
    unmasked = results.unmasked_transcript(session, call_key)
    return Call(unmasked, facts_of(subject, measured, unmasked))


def facts_of(subject: Subject, measured: Measurement, transcript: Transcript) -> CallFacts:
    """Put together what the checks know of a call besides its words."""
    return CallFacts(
        duration=measured.duration,
        speech=measuring.speech_of(transcript.layout, measured),
        vendor=subject.vendor,
        queue=subject.queue,
        direction=subject.direction,
        language=transcript.language,
        agent_name=subject.agent_name,
        agent_aliases=subject.agent_aliases,
        facts=subject.custom,
        variables={"vendor_name": subject.vendor_name, **subject.vendor_variables},
        warnings=measured.warnings,
    )
