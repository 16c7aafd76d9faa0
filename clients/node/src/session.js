// One session: from HELLO to its end, over one connection. Knows the protocol's order and numbers,
// and nothing of sockets: `transport` takes frames, and who owns the transport feeds frames in.
import { Acks } from './acks.js';
import { deniedError, refusedError } from './codes.js';
import { SendWindow } from './credit.js';
import { MalformedFrame, SessionLost } from './errors.js';
import { PROTOCOL_VERSION, decodeFrame, encodeFrame } from './frames.js';
import { FRAME_BYTES_TARGET } from './outbox.js';

/** How long a little credit may wait for company before it is returned. */
const CREDIT_DELAY_MS = 5;

/**
 * What the session tells its owner.
 * @typedef {object} Owner
 * @property {(welcome: object) => void} welcomed
 * @property {(record: object) => void} received DELIVER, GAP, REQUEST_DELIVERY, CANCELLED, REPLY_DELIVERY, FAILED
 * @property {(error: Error) => void} itemsDenied items that wanted no ack were refused
 * @property {() => void} progressed something was sent or answered
 * @property {(error: Error) => void} ended once; nothing comes after it
 */

export class Session {
  #transport;
  #outbox;
  #intake;
  #owner;
  /** @type {SendWindow | null} */
  #window = null;
  #acks = new Acks();
  #asked = new Map();
  #correlation = 0n;
  #sequence = 1n;
  #scheduled = null;
  #creditTimer = null;
  #creditDue = false;
  #pumping = false;
  #over = false;

  /**
   * @param {{transport: {send(frame: Buffer): Promise<void>}, outbox: import('./outbox.js').Outbox,
   *   intake: import('./credit.js').Intake, owner: Owner}} parts
   */
  constructor({ transport, outbox, intake, owner }) {
    this.#transport = transport;
    this.#outbox = outbox;
    this.#intake = intake;
    this.#owner = owner;
  }

  get over() {
    return this.#over;
  }

  get unanswered() {
    return this.#acks.size;
  }

  /** Sends HELLO. */
  start() {
    const offer = this.#intake.begin();
    const hello = {
      kind: 'HELLO', version: PROTOCOL_VERSION, flags: 0, creditMessages: offer.messages, creditBytes: BigInt(offer.bytes),
    };
    this.#send([hello]);
  }

  /** A frame came from the broker. What does not parse ends the session. @param {Buffer} frame */
  receive(frame) {
    try {
      for (const record of decodeFrame(frame, 'broker')) {
        if (this.#over) return;
        this.#apply(record);
      }
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
      this.end(error);
    }
  }

  #apply(record) {
    if (this.#window === null && record.kind !== 'WELCOME' && record.kind !== 'REFUSED')
      throw new MalformedFrame(`${record.kind} before WELCOME`);
    const handler = Session.#handlers[record.kind];
    if (handler === undefined) this.#owner.received(record);
    else handler(this, record);
  }

  static #handlers = {
    WELCOME: (session, record) => session.#welcomed(record),
    REFUSED: (session, record) => session.end(refusedError(record)),
    DONE: (session, record) => session.#answer(record.number)?.resolve(),
    DENIED: (session, record) => session.#denied(record),
    ACK: (session, record) => session.#acked(record),
    CREDIT_GRANT: (session, record) => session.#granted(record),
    // Answers to WATCH and PING, which this client does not send.
    PRESENCE: () => {},
    PONG: () => {},
  };

  #welcomed(record) {
    if (this.#window !== null) throw new MalformedFrame('a second WELCOME');
    if (record.version !== PROTOCOL_VERSION) throw new MalformedFrame(`version ${record.version}`);
    this.#window = new SendWindow(Number(record.creditBytes), record.creditMessages);
    this.#owner.welcomed(record);
    this.schedule();
  }

  #denied(record) {
    if (record.count === 0) {
      this.#answer(record.number)?.reject(deniedError(record));
      return;
    }
    const untold = this.#acks.deny(record.number, record.count, deniedError(record));
    if (untold > 0) this.#owner.itemsDenied(deniedError({ ...record, count: untold }));
    this.#owner.progressed();
  }

  #acked(record) {
    this.#acks.accept(record.number, record.count);
    this.#owner.progressed();
  }

  #granted(record) {
    this.#window.grant(Number(record.number), record.messages);
    this.schedule();
  }

  #answer(correlation) {
    const waiting = this.#asked.get(correlation);
    this.#asked.delete(correlation);
    return waiting;
  }

  /**
   * Sends SUBSCRIBE, UNSUBSCRIBE, SERVE or UNSERVE; resolves at DONE, rejects with Denied or
   * SessionLost.
   * @param {string} kind
   * @param {string} topic
   */
  ask(kind, topic) {
    if (this.#over) return Promise.reject(new SessionLost());
    return new Promise((resolve, reject) => {
      this.#correlation += 1n;
      this.#asked.set(this.#correlation, { resolve, reject });
      this.#outbox.pushControl({ kind, number: this.#correlation, topic });
    });
  }

  /** The application has processed what came with this token. */
  processed(token) {
    if (!this.#intake.release(token) || this.#over) return;
    if (this.#intake.pressing) this.schedule();
    else this.#creditTimer ??= setTimeout(() => this.#returnCredit(), CREDIT_DELAY_MS);
  }

  #returnCredit() {
    this.#creditTimer = null;
    this.#creditDue = true;
    this.pump();
  }

  /** Something waits: it leaves at the end of this tick, or now when it fills a frame. */
  schedule() {
    if (this.#over || this.#window === null) return;
    if (this.#outbox.itemBytes >= FRAME_BYTES_TARGET && this.#window.openForItems) this.pump();
    else this.#scheduled ??= setImmediate(() => this.pump());
  }

  /** Sends what may be sent. */
  pump() {
    clearImmediate(this.#scheduled);
    this.#scheduled = null;
    if (!this.#pumping) this.#sendAll();
  }

  async #sendAll() {
    this.#pumping = true;
    try {
      // No await on "nothing": what comes before the flag falls would be neither sent nor scheduled.
      for (let sending = this.#sendOne(); sending !== null; sending = this.#sendOne()) await sending;
    } finally {
      this.#pumping = false;
    }
    this.#owner.progressed();
  }

  /** One frame, or null when there is nothing to send. */
  #sendOne() {
    if (this.#over) return null;
    const batch = this.#outbox.take(this.#window, this.#sequence);
    const credit = batch !== null || this.#creditDue || this.#intake.pressing ? this.#intake.settle() : null;
    this.#creditDue = false;
    if (batch === null && credit === null) return null;
    if (batch !== null) this.#account(batch);
    return this.#send([...(credit === null ? [] : [credit]), ...(batch?.records ?? [])]);
  }

  /** Before the frame leaves: its answers may come any time after. */
  #account(batch) {
    for (const { sequence, item } of batch.items) {
      if (item.ack) this.#acks.expect(sequence, item);
      else item.resolve?.();
    }
    this.#sequence = batch.sequence;
  }

  #send(records) {
    // A frame that did not leave is a hole in the session: it cannot go on.
    return this.#transport.send(encodeFrame(records)).catch((error) => this.end(new SessionLost(`a frame could not be sent: ${error.message}`)));
  }

  /** Returns the last credit and says GOODBYE; the end is the owner's to make. */
  leave() {
    if (this.#over || this.#window === null) return;
    const credit = this.#intake.settle();
    this.#send([...(credit === null ? [] : [credit]), { kind: 'GOODBYE' }]);
  }

  /** The connection ended, or must. @param {Error} error */
  end(error) {
    if (this.#over) return;
    this.#over = true;
    clearImmediate(this.#scheduled);
    clearTimeout(this.#creditTimer);
    this.#outbox.endSession();
    this.#acks.lose();
    for (const waiting of this.#asked.values()) waiting.reject(new SessionLost());
    this.#asked.clear();
    this.#owner.ended(error);
  }
}
