// The client of the Guildhall bus: publish, subscribe, request, serve. It stays connected by itself;
// what the application must know of that comes as events:
//   'session' {state: 'up', name, session, epoch, instance} | {state: 'down', error, retryMs}
//   'denied'  Denied: publishes that wanted no ack were refused, or a right was taken away
//   'fault'   whatever else a handler threw than a RemoteError
// 'denied' and 'fault' are process warnings when nobody listens.
import { EventEmitter } from 'node:events';

import { codeName } from './codes.js';
import { Calls } from './calls.js';
import { Connection } from './connection.js';
import { Intake } from './credit.js';
import { Closed, Denied, InvalidArgument, QueueFull, SessionLost } from './errors.js';
import { ITEM_HEADER_BYTES } from './frames.js';
import { loadKeys } from './keys.js';
import { Outbox } from './outbox.js';
import { toBytes } from './payload.js';
import { Responder } from './responder.js';
import { DEADLINE_MS_MAX, checkRange, settingsOf } from './settings.js';
import { Subscription } from './subscription.js';
import { isPattern, isTopic } from './topics.js';

const REQUEST_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 1000;
const CONCURRENCY = 64;
const CONCURRENCY_MAX = 65536;

function requireTopic(topic) {
  if (!isTopic(topic)) throw new InvalidArgument('topic_invalid', `${JSON.stringify(topic)} is no topic`, 'use levels between single slashes, at most 250 bytes');
}

function requirePattern(pattern) {
  if (!isPattern(pattern)) throw new InvalidArgument('topic_invalid', `${JSON.stringify(pattern)} is no pattern`, 'a level may be *, the last one **');
}

export class Client extends EventEmitter {
  #settings;
  #outbox = new Outbox();
  #intake;
  #calls;
  #connection;
  #subscriptions = new Set();
  #responder;
  #sessions = 0;
  #lastTopic = null;
  #closing = null;
  #whenDrained = null;

  /**
   * Resolves once the first session is up.
   * @param {import('../index.d.ts').ConnectOptions} options
   * @returns {Promise<Client>}
   */
  static async connect(options) {
    const settings = settingsOf(options);
    const client = new Client(settings, await loadKeys(settings.home, settings.name));
    await client.#connection.first();
    return client;
  }

  /** Not for use: Client.connect makes clients. */
  constructor(settings, keys) {
    super();
    this.#settings = settings;
    this.#intake = new Intake({ bytes: settings.creditBytes, messages: settings.creditMessages });
    this.#calls = new Calls(this.#outbox, settings.requestsMax);
    this.#responder = new Responder({
      outbox: this.#outbox,
      intake: this.#intake,
      processed: (token) => this.#processed(token),
      fault: (error) => this.#tell('fault', error),
    });
    this.#connection = new Connection({
      settings,
      keys,
      outbox: this.#outbox,
      intake: this.#intake,
      owner: {
        welcomed: (welcome, session) => this.#welcomed(welcome, session),
        received: (record) => Client.#receivers[record.kind](this, record),
        itemsDenied: (error) => this.#tell('denied', error),
        progressed: () => this.#progressed(),
        lost: () => this.#lost(),
        retrying: (error, retryMs) => this.emit('session', { state: 'down', error, retryMs }),
      },
    });
  }

  get name() {
    return this.#settings.name;
  }

  get connected() {
    return this.#connection.session !== null;
  }

  /**
   * Publishes one item. Without `ack` the promise resolves when there is room for the next one;
   * with it, once the broker has accepted the item.
   * @param {string} topic
   * @param {string | Uint8Array} payload
   * @param {{ack?: boolean}} [options]
   */
  publish(topic, payload, { ack = false } = {}) {
    try {
      return this.#publish(topic, toBytes(payload), ack);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #publish(topic, payload, ack) {
    // Most publishes go where the last one went.
    if (topic !== this.#lastTopic) requireTopic(topic);
    this.#lastTopic = topic;
    this.#requireOpen();
    const waiting = this.#outbox.items + (this.#connection.session?.unanswered ?? 0);
    if (waiting >= this.#settings.queueMessagesMax || this.#outbox.itemBytes >= this.#settings.queueBytesMax)
      throw new QueueFull('publishes');
    if (!ack && !this.#crowded(waiting)) {
      this.#outbox.pushItem({ topic, payload, ack, resolve: null, reject: null });
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => this.#outbox.pushItem({ topic, payload, ack, resolve, reject }));
  }

  /** Past half of a limit a publisher that awaits is held back until its item has left. */
  #crowded(waiting) {
    return waiting * 2 >= this.#settings.queueMessagesMax || this.#outbox.itemBytes * 2 >= this.#settings.queueBytesMax;
  }

  /**
   * Resolves once the broker has confirmed: whatever it accepts from then on comes.
   * @param {string} pattern
   * @returns {Promise<Subscription>}
   */
  async subscribe(pattern) {
    requirePattern(pattern);
    this.#requireOpen();
    const subscription = new Subscription(pattern, {
      processed: (token) => this.#processed(token),
      unsubscribe: (gone) => this.#unsubscribe(gone),
    });
    this.#subscriptions.add(subscription);
    try {
      await this.#confirm('SUBSCRIBE', pattern, subscription);
    } catch (error) {
      this.#subscriptions.delete(subscription);
      subscription.finish();
      throw error;
    }
    return subscription;
  }

  /**
   * Asks whoever serves `topic`. Rejects with NoResponder, ResponderGone, TimedOut, Denied,
   * RemoteError, RequestFailed, UnknownOutcome, QueueFull, Aborted or Closed.
   * @param {string} topic
   * @param {string | Uint8Array} [payload]
   * @param {{timeout?: number, signal?: AbortSignal}} [options] timeout in ms
   * @returns {Promise<Buffer>}
   */
  async request(topic, payload = '', { timeout = REQUEST_TIMEOUT_MS, signal } = {}) {
    requireTopic(topic);
    this.#requireOpen();
    return this.#calls.request(topic, toBytes(payload), { timeout: checkRange('timeout', timeout, [1, DEADLINE_MS_MAX]), signal });
  }

  /**
   * Answers the requests to `pattern`; resolves once the broker has confirmed.
   * @param {string} pattern
   * @param {(request: import('./service.js').Request) => any} handler returns the payload of the reply, or throws
   * @param {{concurrency?: number}} [options] how many requests are handled at a time
   */
  async serve(pattern, handler, { concurrency = CONCURRENCY } = {}) {
    requirePattern(pattern);
    this.#requireOpen();
    const service = this.#responder.add(pattern, handler, checkRange('concurrency', concurrency, [1, CONCURRENCY_MAX]));
    try {
      await this.#confirm('SERVE', pattern, service);
    } catch (error) {
      this.#responder.remove(service);
      throw error;
    }
    return { pattern, close: () => this.#unserve(service) };
  }

  /**
   * Sends what waits and waits for its acks, at most `timeout` ms; then leaves.
   * @param {{timeout?: number}} [options]
   * @returns {Promise<{unsent: number}>} how many publishes never left
   */
  close({ timeout = CLOSE_TIMEOUT_MS } = {}) {
    this.#closing ??= this.#close(timeout);
    return this.#closing;
  }

  async #close(timeout) {
    await this.#drained(timeout);
    const unsent = this.#outbox.dropItems();
    for (const { reject } of unsent) reject?.(new Closed());
    this.#calls.close();
    for (const subscription of this.#subscriptions) subscription.finish();
    this.#connection.close();
    this.#responder.cancelAll();
    return { unsent: unsent.length };
  }

  get #isDrained() {
    const { session } = this.#connection;
    return session === null || (this.#outbox.empty && session.unanswered === 0);
  }

  async #drained(timeout) {
    if (this.#isDrained) return;
    let timer;
    await new Promise((resolve) => {
      this.#whenDrained = resolve;
      timer = setTimeout(resolve, timeout);
    });
    clearTimeout(timer);
    this.#whenDrained = null;
  }

  #progressed() {
    if (this.#whenDrained !== null && this.#isDrained) this.#whenDrained();
  }

  #requireOpen() {
    if (this.#closing !== null) throw new Closed();
  }

  #tell(event, error) {
    if (!this.emit(event, error)) process.emitWarning(error);
  }

  // --- the session

  #welcomed(welcome, session) {
    this.#sessions += 1;
    const up = { state: 'up', name: welcome.name, session: this.#sessions, epoch: welcome.epoch, instance: welcome.instance.toString('hex') };
    this.#restore(session).then(() => {
      if (!session.over) this.emit('session', up);
    });
  }

  /** What the last session had is asked for again. */
  async #restore(session) {
    const asks = [];
    for (const subscription of this.#subscriptions)
      if (subscription.confirmed) asks.push(session.ask('SUBSCRIBE', subscription.pattern).catch((error) => this.#subscriptionRefused(subscription, error)));
    for (const service of this.#responder.services)
      if (service.confirmed) asks.push(session.ask('SERVE', service.pattern).catch((error) => this.#serviceRefused(service, error)));
    await Promise.all(asks);
  }

  #subscriptionRefused(subscription, error) {
    if (!(error instanceof Denied)) return;
    this.#subscriptions.delete(subscription);
    subscription.finish(error);
  }

  #serviceRefused(service, error) {
    if (!(error instanceof Denied)) return;
    this.#responder.remove(service);
    this.#tell('denied', error);
  }

  #lost() {
    this.#calls.lose();
    this.#responder.cancelAll();
    for (const subscription of this.#subscriptions) subscription.sessionLost();
    this.#progressed();
  }

  /** Asks until a session has answered; lost sessions do not count. */
  async #confirm(kind, pattern, what) {
    for (;;) {
      const session = await this.#connection.up();
      try {
        await session.ask(kind, pattern);
        what.confirmed = true;
        return;
      } catch (error) {
        if (!(error instanceof SessionLost)) throw error;
      }
    }
  }

  async #unsubscribe(subscription) {
    this.#subscriptions.delete(subscription);
    const shared = [...this.#subscriptions].some((other) => other.pattern === subscription.pattern);
    if (!shared) await this.#give('UNSUBSCRIBE', subscription.pattern);
  }

  async #unserve(service) {
    if (this.#responder.remove(service)) await this.#give('UNSERVE', service.pattern);
  }

  /** Gives up what the session has; without a session there is nothing to give up. */
  async #give(kind, pattern) {
    await this.#connection.session?.ask(kind, pattern).catch((error) => {
      if (!(error instanceof SessionLost)) throw error;
    });
  }

  #processed(token) {
    const { session } = this.#connection;
    if (session === null) this.#intake.release(token);
    else session.processed(token);
  }

  // --- what comes in

  static #receivers = {
    DELIVER: (client, record) => client.#delivered(record),
    GAP: (client, record) => client.#gap(record),
    REQUEST_DELIVERY: (client, record) => client.#responder.asked(record),
    CANCELLED: (client, record) => client.#responder.cancelled(record),
    REPLY_DELIVERY: (client, record) => client.#replied(record),
    FAILED: (client, record) => client.#calls.failed(record),
  };

  #takersOf(topic) {
    const takers = [];
    for (const subscription of this.#subscriptions) if (subscription.matches(topic)) takers.push(subscription);
    return takers;
  }

  #delivered(record) {
    const takers = this.#takersOf(record.topic);
    let left = record.bytes;
    record.items.forEach((payload, index) => {
      // The last item carries what the record has besides items.
      const isLast = index === record.items.length - 1;
      const bytes = isLast ? left : ITEM_HEADER_BYTES + payload.length;
      left -= bytes;
      const message = {
        kind: 'message', topic: record.topic, sender: record.name, sequence: record.number + BigInt(index),
        time: record.time, epoch: record.epoch, payload,
      };
      this.#hand(takers, message, bytes);
    });
  }

  #gap(record) {
    const gap = {
      kind: 'gap', topic: record.topic, sender: record.name, first: record.number, last: record.last,
      count: record.count, reason: codeName(record.reason),
    };
    this.#hand(this.#takersOf(record.topic), gap, record.bytes);
  }

  #hand(takers, item, bytes) {
    const token = this.#intake.take(bytes, 1, Math.max(1, takers.length));
    // It was on its way when its subscription was given up.
    if (takers.length === 0) this.#processed(token);
    for (const taker of takers) taker.push(item, token);
  }

  #replied(record) {
    this.#processed(this.#intake.take(record.bytes, 1));
    this.#calls.replied(record);
  }
}
