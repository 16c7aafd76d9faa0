// Keeps a client connected: one session after the other, each over a new socket, with backoff
// between them, until it is closed.
import { Backoff } from './backoff.js';
import { BrokerUnreachable, Closed, NotAuthorized, SessionRefused, WrongServerKey } from './errors.js';
import { Session } from './session.js';
import { HandshakeBroken, Transport } from './transport.js';

const WELCOME_MS_MAX = 5000;
/** A session that lasted this long shows that the next try may be soon. */
const STEADY_MS = 2000;
/** So many handshakes in a row that break off at once mean a wrong key. */
const BROKEN_HANDSHAKES = 3;

/** Errors that trying again at once will not mend: the first connect gives up on them. */
function isFinal(error) {
  return error instanceof NotAuthorized || error instanceof WrongServerKey ||
    (error instanceof SessionRefused && error.code === 'version_unsupported');
}

export class Connection {
  #settings;
  #keys;
  #outbox;
  #intake;
  #owner;
  #backoff = new Backoff();
  #broken = 0;
  #closed = false;
  #transport = null;
  #current = null;
  #wakeEarly = () => {};
  #upWaiters = [];

  /** The session that has WELCOME, or null. @type {Session | null} */
  session = null;

  /**
   * @param {object} parts
   * @param {ReturnType<import('./settings.js').settingsOf>} parts.settings
   * @param {{publicKey: string, secretKey: string, brokerKey: string}} parts.keys
   * @param {import('./outbox.js').Outbox} parts.outbox
   * @param {import('./credit.js').Intake} parts.intake
   * @param {object} parts.owner welcomed, received, itemsDenied, progressed, lost, retrying
   */
  constructor({ settings, keys, outbox, intake, owner }) {
    this.#settings = settings;
    this.#keys = keys;
    this.#outbox = outbox;
    this.#intake = intake;
    this.#owner = owner;
    outbox.wake = () => this.session?.schedule();
  }

  /** Connects for the first time; from then on the connection is kept by itself. */
  async first() {
    let failure = new BrokerUnreachable(`no session at ${this.#settings.endpoint} within ${this.#settings.connectTimeout} ms`);
    const limit = new Promise((_, reject) => {
      this.#firstTimer = setTimeout(() => reject(failure), this.#settings.connectTimeout);
    });
    const fatal = new Promise((_, reject) => {
      this.#onFailure = (error) => {
        failure = error;
        if (isFinal(error)) reject(error);
      };
    });
    const running = this.#run();
    try {
      await Promise.race([this.up(), limit, fatal]);
    } catch (error) {
      this.close();
      await running;
      throw error;
    } finally {
      clearTimeout(this.#firstTimer);
      this.#onFailure = () => {};
    }
  }

  #firstTimer;
  #onFailure = (_error) => {};

  /** The session, when there is one. @returns {Promise<Session>} */
  up() {
    if (this.#closed) return Promise.reject(new Closed());
    if (this.session !== null) return Promise.resolve(this.session);
    return new Promise((resolve, reject) => this.#upWaiters.push({ resolve, reject }));
  }

  /** Says GOODBYE and ends. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.session?.leave();
    this.#transport?.close({ linger: true });
    this.#current?.end(new Closed());
    for (const { reject } of this.#upWaiters.splice(0)) reject(new Closed());
    this.#wakeEarly();
  }

  async #run() {
    while (!this.#closed) {
      if (this.#intake.waiting) await this.#orClosed(this.#intake.room());
      if (this.#closed) return;
      const { error, lastedMs } = await this.#life();
      if (this.#closed) return;
      if (lastedMs >= STEADY_MS) this.#backoff.reset();
      await this.#rest(this.#judge(error));
    }
  }

  async #rest(error) {
    const retryMs = this.#backoff.next();
    this.#onFailure(error);
    this.#owner.retrying(error, retryMs);
    let timer;
    await this.#orClosed(new Promise((resolve) => {
      timer = setTimeout(resolve, retryMs);
    }));
    clearTimeout(timer);
  }

  #orClosed(promise) {
    const closed = new Promise((resolve) => {
      this.#wakeEarly = resolve;
    });
    return Promise.race([promise, closed]);
  }

  /** A wrong broker key is never told; it shows as handshakes that break off again and again. */
  #judge(error) {
    this.#broken = error instanceof HandshakeBroken ? this.#broken + 1 : 0;
    return this.#broken >= BROKEN_HANDSHAKES ? new WrongServerKey(this.#settings.endpoint) : error;
  }

  /** One connection, from its socket to its end. @returns {Promise<{error: Error, lastedMs: number}>} */
  #life() {
    return new Promise((resolve) => {
      let upAt = null;
      const unanswered = setTimeout(() => this.#current.end(
        new BrokerUnreachable(`the broker at ${this.#settings.endpoint} does not answer`)), WELCOME_MS_MAX);
      const welcomed = (welcome) => {
        clearTimeout(unanswered);
        upAt = performance.now();
        this.#welcomed(welcome);
      };
      const ended = (error) => {
        clearTimeout(unanswered);
        this.#ended(error);
        resolve({ error, lastedMs: upAt === null ? 0 : performance.now() - upAt });
      };
      this.#begin(welcomed, ended);
    });
  }

  #begin(welcomed, ended) {
    const { endpoint, name } = this.#settings;
    const transport = new Transport({
      endpoint,
      name,
      keys: this.#keys,
      onFrame: (frame) => session.receive(frame),
      onEnd: (error) => session.end(error),
    });
    const { received, itemsDenied, progressed } = this.#owner;
    const session = new Session({
      transport,
      outbox: this.#outbox,
      intake: this.#intake,
      owner: { welcomed, received, itemsDenied, progressed, ended },
    });
    this.#transport = transport;
    this.#current = session;
    transport.open();
    session.start();
  }

  #welcomed(welcome) {
    this.session = this.#current;
    this.#owner.welcomed(welcome, this.session);
    for (const { resolve } of this.#upWaiters.splice(0)) resolve(this.session);
  }

  #ended(error) {
    const wasUp = this.session !== null;
    this.session = null;
    this.#current = null;
    this.#transport.close({ linger: this.#closed });
    this.#transport = null;
    if (wasUp) this.#owner.lost(error);
  }
}
