// A served pattern: requests come in, the handler answers. At most `concurrency` run at a time; the
// rest waits, bounded by the client's credit, which a request holds until its handler has settled.
import { Fifo } from './fifo.js';
import { RemoteError, REMOTE_KINDS } from './errors.js';
import { PAYLOAD_BYTES_MAX, STATUS_ERROR, STATUS_OK } from './frames.js';
import { toBytes } from './payload.js';
import { matcher } from './topics.js';

const CODE = /^[a-z][a-z0-9_]{0,63}$/;

/** The payload of an error reply: JSON of four strings. */
export function errorPayload(error) {
  const typed = typeof error?.code === 'string' && CODE.test(error.code);
  const story = {
    kind: REMOTE_KINDS.includes(error?.kind) ? error.kind : 'failed',
    code: typed ? error.code : 'handler_failed',
    message: String(error?.message ?? error),
    next_step: typeof error?.nextStep === 'string' ? error.nextStep : '',
  };
  const bytes = Buffer.from(JSON.stringify(story));
  if (bytes.length <= PAYLOAD_BYTES_MAX) return bytes;
  return Buffer.from(JSON.stringify({ ...story, message: 'the error is too long to tell', next_step: '' }));
}

/** A request as its handler sees it. */
export class Request {
  #controller = null;
  #cancelled = false;

  constructor(record) {
    this.topic = record.topic;
    this.sender = record.name;
    this.payload = record.payload;
    this.deadlineMs = record.deadlineMs;
    this.epoch = record.epoch;
  }

  /** Aborted when the answer is no longer wanted. */
  get signal() {
    // Made when asked for: most handlers never look.
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#cancelled) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  get cancelled() {
    return this.#cancelled;
  }

  cancel() {
    this.#cancelled = true;
    this.#controller?.abort();
  }
}

export class Service {
  #handler;
  #concurrency;
  #running = 0;
  #waiting = new Fifo();
  #settled;
  #failed;

  /** Whether the broker has confirmed it at least once. */
  confirmed = false;

  /**
   * @param {string} pattern
   * @param {(request: Request) => any} handler
   * @param {{concurrency: number, settled: (job: object, reply: object | null) => void, failed: (error: Error) => void}} options
   */
  constructor(pattern, handler, { concurrency, settled, failed }) {
    this.pattern = pattern;
    this.matches = matcher(pattern);
    this.#handler = handler;
    this.#concurrency = concurrency;
    this.#settled = settled;
    this.#failed = failed;
  }

  /** @param {{request: Request}} job */
  take(job) {
    this.#waiting.push(job);
    this.#next();
  }

  #next() {
    while (this.#running < this.#concurrency && this.#waiting.length > 0) {
      const job = this.#waiting.shift();
      if (job.request.cancelled) {
        this.#settled(job, null);
        continue;
      }
      this.#running += 1;
      this.#answer(job).then((reply) => {
        this.#running -= 1;
        this.#settled(job, reply);
        this.#next();
      });
    }
  }

  async #answer({ request }) {
    try {
      const payload = toBytes((await this.#handler(request)) ?? '');
      return { status: STATUS_OK, payload };
    } catch (error) {
      // A RemoteError is an answer; anything else is a fault that its own side should see as well.
      if (!(error instanceof RemoteError)) this.#failed(error);
      return { status: STATUS_ERROR, payload: errorPayload(error) };
    }
  }
}
