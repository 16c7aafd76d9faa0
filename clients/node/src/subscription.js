// A subscription: an async iterable of what one pattern brings, gaps in their place. Its queue is
// bounded by the client's credit: the broker stops when the application does not take.
import { Fifo } from './fifo.js';
import { matcher } from './topics.js';

/** The session ended: what was accepted until the next one began is missing, how much is not known. */
const SESSION_LOST = Object.freeze({
  kind: 'gap', topic: null, sender: null, first: null, last: null, count: null, reason: 'session_lost',
});

export class Subscription {
  #queue = new Fifo();
  #takers = new Fifo();
  #processed;
  #unsubscribe;
  #ended = false;
  #error = null;
  #lossTold = false;

  /** Whether the broker has confirmed it at least once. */
  confirmed = false;

  /**
   * @param {string} pattern
   * @param {{processed: (token: object) => void, unsubscribe: (subscription: Subscription) => Promise<void>}} client
   */
  constructor(pattern, { processed, unsubscribe }) {
    this.pattern = pattern;
    this.matches = matcher(pattern);
    this.#processed = processed;
    this.#unsubscribe = unsubscribe;
  }

  /** How many wait to be taken. */
  get size() {
    return this.#queue.length;
  }

  /** @param {object} item @param {object | null} token of the credit that it holds */
  push(item, token) {
    this.#lossTold = false;
    const taker = this.#takers.shift();
    if (taker === undefined) {
      this.#queue.push({ item, token });
      return;
    }
    taker.resolve({ value: item, done: false });
    if (token !== null) this.#processed(token);
  }

  /** Marks the place where a session was lost; several losses with nothing between are one. */
  sessionLost() {
    if (!this.confirmed || this.#ended || this.#lossTold) return;
    this.push(SESSION_LOST, null);
    this.#lossTold = true;
  }

  /** Nothing more will come; what waits can still be taken. @param {Error | null} error thrown after it */
  finish(error = null) {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const taker of this.#takers.drain()) {
      if (this.#error === null) taker.resolve({ value: undefined, done: true });
      else taker.reject(this.#takeError());
    }
  }

  #takeError() {
    const error = this.#error;
    this.#error = null;
    return error;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  next() {
    const waiting = this.#queue.shift();
    if (waiting !== undefined) {
      if (waiting.token !== null) this.#processed(waiting.token);
      return Promise.resolve({ value: waiting.item, done: false });
    }
    if (this.#error !== null) return Promise.reject(this.#takeError());
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }));
  }

  /** Ends it: what waits is dropped, and the broker told. Also what leaving a `for await` does. */
  async return() {
    const wasLive = !this.#ended;
    this.finish();
    for (const { token } of this.#queue.drain()) if (token !== null) this.#processed(token);
    if (wasLive) await this.#unsubscribe(this);
    return { value: undefined, done: true };
  }

  close() {
    return this.return().then(() => {});
  }
}
