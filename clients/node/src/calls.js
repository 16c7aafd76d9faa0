// The requests of a client: each ends with exactly one reply or typed error. A request that was not
// sent yet waits for the next session; one that was sent when the session ended is UnknownOutcome.
import { codeName, failedError } from './codes.js';
import { Aborted, Closed, QueueFull, RemoteError, UnknownOutcome } from './errors.js';
import { STATUS_OK } from './frames.js';

/** The broker keeps the deadline; this much later we stop waiting for it. */
const GRACE_MS = 1000;

/** The error in a reply's payload, or one that says that it is none. */
export function remoteError(payload, responder) {
  let story = null;
  try {
    story = JSON.parse(payload.toString('utf8'));
  } catch {
    // Told below.
  }
  const whole = story !== null && ['kind', 'code', 'message', 'next_step'].every((field) => typeof story[field] === 'string');
  if (!whole) return new RemoteError({ code: 'error_malformed', message: `${responder} answered with an error that is not JSON of four strings` });
  return new RemoteError({ kind: story.kind, code: story.code, message: story.message, nextStep: story.next_step });
}

export class Calls {
  #outbox;
  #limit;
  #waiting = new Map();
  #correlation = 0n;

  /** @param {import('./outbox.js').Outbox} outbox @param {number} limit how many may wait */
  constructor(outbox, limit) {
    this.#outbox = outbox;
    this.#limit = limit;
  }

  get size() {
    return this.#waiting.size;
  }

  /**
   * @param {string} topic
   * @param {Buffer} payload
   * @param {{timeout: number, signal?: AbortSignal}} options
   * @returns {Promise<Buffer>}
   */
  request(topic, payload, { timeout, signal }) {
    if (this.#waiting.size >= this.#limit) return Promise.reject(new QueueFull('requests'));
    if (signal?.aborted) return Promise.reject(new Aborted(topic));
    return new Promise((resolve, reject) => {
      this.#correlation += 1n;
      const call = { number: this.#correlation, topic, payload, resolve, reject, sent: false, due: performance.now() + timeout };
      call.timer = setTimeout(() => this.#late(call), timeout);
      if (signal) this.#abortWith(call, signal);
      this.#waiting.set(call.number, call);
      this.#outbox.pushCall({
        record: () => this.#record(call),
        sent: () => {
          call.sent = true;
        },
        survives: true,
      });
    });
  }

  #abortWith(call, signal) {
    const abort = () => this.#giveUp(call, new Aborted(call.topic));
    signal.addEventListener('abort', abort, { once: true });
    call.forget = () => signal.removeEventListener('abort', abort);
  }

  #record(call) {
    if (!this.#waiting.has(call.number)) return null;
    const deadlineMs = Math.max(1, Math.ceil(call.due - performance.now()));
    return { kind: 'REQUEST', number: call.number, topic: call.topic, deadlineMs, payload: call.payload };
  }

  #late(call) {
    if (call.sent && !call.overdue) {
      call.overdue = true;
      call.timer = setTimeout(() => this.#late(call), GRACE_MS);
      return;
    }
    this.#giveUp(call, failedError('timeout', `${call.topic}: no answer in time`, call.topic));
  }

  #giveUp(call, error) {
    if (call.sent) this.#outbox.pushControl({ kind: 'CANCEL', number: call.number });
    this.#settle(call.number)?.reject(error);
  }

  /** REPLY_DELIVERY. One that nobody waits for was on its way when its request was given up. */
  replied(record) {
    const call = this.#settle(record.number);
    if (call === undefined) return;
    if (record.status === STATUS_OK) call.resolve(record.payload);
    else call.reject(remoteError(record.payload, record.name));
  }

  /** FAILED. */
  failed(record) {
    this.#settle(record.number)?.reject(failedError(codeName(record.code), record.reason, record.topic));
  }

  /** The session ended. */
  lose() {
    for (const call of [...this.#waiting.values()])
      if (call.sent) this.#settle(call.number).reject(new UnknownOutcome(`the request to ${call.topic}`));
  }

  close() {
    for (const call of [...this.#waiting.values()]) this.#settle(call.number).reject(new Closed());
  }

  #settle(number) {
    const call = this.#waiting.get(number);
    if (call === undefined) return undefined;
    this.#waiting.delete(number);
    clearTimeout(call.timer);
    call.forget?.();
    return call;
  }
}
