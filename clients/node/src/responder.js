// The serving side of a client: which services there are, and the requests that are being answered.
import { InvalidArgument, RemoteError } from './errors.js';
import { STATUS_ERROR } from './frames.js';
import { Request, Service, errorPayload } from './service.js';

export class Responder {
  #outbox;
  #intake;
  #processed;
  #fault;
  #services = new Set();
  /** By the broker's request number. */
  #jobs = new Map();

  /**
   * @param {{outbox: import('./outbox.js').Outbox, intake: import('./credit.js').Intake,
   *   processed: (token: object) => void, fault: (error: Error) => void}} parts
   */
  constructor({ outbox, intake, processed, fault }) {
    this.#outbox = outbox;
    this.#intake = intake;
    this.#processed = processed;
    this.#fault = fault;
  }

  get services() {
    return this.#services;
  }

  add(pattern, handler, concurrency) {
    if ([...this.#services].some((service) => service.pattern === pattern))
      throw new InvalidArgument('already_served', `this client serves ${pattern} already`, 'close the other one first');
    const service = new Service(pattern, handler, {
      concurrency,
      settled: (job, reply) => this.#settled(job, reply),
      failed: this.#fault,
    });
    this.#services.add(service);
    return service;
  }

  remove(service) {
    return this.#services.delete(service);
  }

  /** REQUEST_DELIVERY. Of overlapping services the one that was there first answers. */
  asked(record) {
    const job = { number: record.number, request: new Request(record), token: this.#intake.take(record.bytes, 1) };
    this.#jobs.set(job.number, job);
    const service = [...this.#services].find((candidate) => candidate.matches(record.topic));
    if (service !== undefined) service.take(job);
    else this.#settled(job, notServed(record.topic));
  }

  /** CANCELLED. */
  cancelled(record) {
    const job = this.#jobs.get(record.number);
    this.#jobs.delete(record.number);
    job?.request.cancel();
  }

  /** The session ended. */
  cancelAll() {
    for (const job of this.#jobs.values()) job.request.cancel();
    this.#jobs.clear();
  }

  #settled(job, reply) {
    this.#processed(job.token);
    // A job that is no longer here was cancelled, or its session is gone: nobody waits for it.
    if (this.#jobs.get(job.number) !== job) return;
    this.#jobs.delete(job.number);
    const record = { kind: 'REPLY', number: job.number, ...reply };
    this.#outbox.pushCall({ record: () => record, sent: () => {}, survives: false });
  }
}

/** The answer to a request that was on its way when its service was closed. */
function notServed(topic) {
  const error = new RemoteError({
    kind: 'unavailable', code: 'not_served', message: `${topic} is no longer served here`, nextStep: 'ask again',
  });
  return { status: STATUS_ERROR, payload: errorPayload(error) };
}
