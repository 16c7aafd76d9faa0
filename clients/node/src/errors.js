// The errors of the client: one class for each thing that a caller may want to tell apart. Every
// error has a stable snake_case `code`, a `message` that says what happened, and a `nextStep` that
// says what to do about it.

export class GuildError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {string} nextStep
   */
  constructor(code, message, nextStep = '') {
    super(message);
    this.name = new.target.name;
    this.code = code;
    this.nextStep = nextStep;
  }
}

/** An argument that cannot be right, whatever the broker says. Nothing was sent. */
export class InvalidArgument extends GuildError {}

/** The keys folder lacks a file, or a secret in it is not a secret. */
export class KeysUnusable extends GuildError {}

/** Nobody listens at the endpoint, or who listens does not answer. */
export class BrokerUnreachable extends GuildError {
  constructor(message, nextStep = 'start the suite (scripts/run_system start) or set the right home') {
    super('broker_unreachable', message, nextStep);
  }
}

/** The broker does not know our key. */
export class NotAuthorized extends GuildError {
  constructor(name) {
    super('not_authorized', `the key of ${name} is not on the broker's list`, `guild keys add ${name} --role ROLE`);
  }
}

/** The broker has another key than the one in broker.public. Inferred: the handshake just breaks off. */
export class WrongServerKey extends GuildError {
  constructor(endpoint) {
    super('wrong_server_key', `the broker at ${endpoint} breaks off every handshake: its key is not the one in broker.public`,
      'use the broker.public of this home');
  }
}

/** The broker ended the session; `code` is the protocol's. */
export class SessionRefused extends GuildError {}

/** What the broker sent is not the protocol. */
export class MalformedFrame extends GuildError {
  constructor(what) {
    super('malformed_frame', `a frame that does not parse: ${what}`, 'the broker speaks another version; use its client');
  }
}

/** The session ended; what waited for its answer can be tried again. */
export class SessionLost extends GuildError {
  constructor(message = 'the session with the broker was lost') {
    super('session_lost', message, 'try again; the client reconnects by itself');
  }
}

/** The list does not allow it, or the broker refuses the topic, the payload or the number of them. */
export class Denied extends GuildError {
  /** @param {string} code @param {string} reason @param {string} topic @param {number} count */
  constructor(code, reason, topic, count = 0) {
    super(code, reason || `${code}: ${topic}`, DENIED_STEPS[code] ?? '');
    this.topic = topic;
    this.count = count;
  }
}

const DENIED_STEPS = {
  no_permission: 'let the list (keys/authorized_clients.toml) allow it, or use another topic',
  topic_invalid: 'use a topic of 1 to 10 levels between single slashes',
  payload_too_large: 'send at most 1 MiB',
  too_many: 'use fewer at a time',
};

/** The session ended between sending and the answer: it may or may not have taken effect. */
export class UnknownOutcome extends GuildError {
  constructor(what) {
    super('unknown_outcome', `${what}: the session was lost before the answer`,
      'find out whether it took effect, or send again what may be done twice');
  }
}

/** A bounded queue of this client is full. */
export class QueueFull extends GuildError {
  constructor(what) {
    super('queue_full', `${what} waiting to be sent are at the limit`, 'await the promise of publish before the next one');
  }
}

/** The client was closed. */
export class Closed extends GuildError {
  constructor(what = 'the client') {
    super('closed', `${what} was closed`, 'connect again');
  }
}

/** Nobody serves the name. */
export class NoResponder extends GuildError {}
/** Who was to answer left before it did. */
export class ResponderGone extends GuildError {}
/** No answer before the deadline. */
export class TimedOut extends GuildError {}
/** A request failed otherwise: too many at a time, a bad deadline. */
export class RequestFailed extends GuildError {}
/** The caller's AbortSignal. */
export class Aborted extends GuildError {
  constructor(topic) {
    super('aborted', `the request to ${topic} was aborted`, '');
  }
}

/** What kinds of error a responder may answer. */
export const REMOTE_KINDS = Object.freeze(['failed', 'invalid', 'not_found', 'denied', 'timeout', 'funds', 'conflict',
  'exhausted', 'unavailable']);

/** A responder's own error. A handler throws it to answer with one. */
export class RemoteError extends GuildError {
  /** @param {{kind?: string, code: string, message: string, nextStep?: string}} story */
  constructor({ kind = 'failed', code, message, nextStep = '' }) {
    super(code, message, nextStep);
    this.kind = kind;
  }
}
