// The protocol's codes (docs/protocol.md "Codes") and the typed error for each.
import {
  Denied, NoResponder, RequestFailed, ResponderGone, SessionRefused, TimedOut,
} from './errors.js';

export const CODES = new Map([
  [1, 'version_unsupported'],
  [2, 'hello_expected'],
  [3, 'malformed_frame'],
  [4, 'credit_exceeded'],
  [5, 'revoked'],
  [6, 'shutting_down'],
  [7, 'slow_consumer'],
  [8, 'too_many'],
  [16, 'no_permission'],
  [17, 'topic_invalid'],
  [18, 'payload_too_large'],
  [19, 'deadline_invalid'],
  [32, 'no_responder'],
  [33, 'responder_gone'],
  [34, 'timeout'],
  [48, 'dropped_oldest'],
  [49, 'session_ended'],
]);

export function codeName(code) {
  return CODES.get(code) ?? `code_${code}`;
}

const REFUSED_STEPS = {
  version_unsupported: 'use the client of the broker\'s version',
  revoked: 'guild keys list; the client connects again if its key is still there',
  shutting_down: 'wait for the broker to come back; the client connects by itself',
  slow_consumer: 'take messages faster, or subscribe to less',
  too_many: 'close sessions that are not needed',
};

/** The error of a REFUSED record. */
export function refusedError(record) {
  const code = codeName(record.code);
  return new SessionRefused(code, record.reason || `the broker ended the session: ${code}`, REFUSED_STEPS[code] ?? '');
}

/** The error of a DENIED record. */
export function deniedError(record) {
  return new Denied(codeName(record.code), record.reason, record.topic, record.count);
}

const FAILED_ERRORS = {
  no_responder: [NoResponder, 'start who serves it, or ask for another name'],
  responder_gone: [ResponderGone, 'find out whether it took effect; ask again when the responder is back'],
  timeout: [TimedOut, 'give more time, or look at the responder'],
};

/** The error of a FAILED record, or of our own finding with the same code. */
export function failedError(code, reason, topic) {
  if (code === 'no_permission' || code === 'topic_invalid' || code === 'payload_too_large')
    return new Denied(code, reason, topic);
  const [type, nextStep] = FAILED_ERRORS[code] ?? [RequestFailed, 'ask less at a time'];
  return new type(code, reason || `${topic}: ${code}`, nextStep);
}
