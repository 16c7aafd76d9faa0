// One connection to the broker: a ZeroMQ DEALER with CURVE, and its monitor, which tells why it ended.
// A session is one connection, so ZeroMQ's own reconnecting is off: after the end, make another.
import { Dealer } from 'zeromq';

import { BrokerUnreachable, MalformedFrame, NotAuthorized, SessionLost } from './errors.js';

const HEARTBEAT_MS = 5000;
const HEARTBEAT_TIMEOUT_MS = 15000;
const HANDSHAKE_MS = 2000;
const MESSAGE_BYTES_MAX = 2 * 1024 * 1024;
/** No limit of its own: what is under way is bounded by the broker's credit. */
const FRAMES_QUEUED_MAX = 0;
const LINGER_MS = 500;
const ZAP_DENIED = 400;
/** A handshake that breaks off later than this timed out; a wrong key breaks it off at once. */
const BROKEN_AT_ONCE_MS = 1000;

/** The handshake broke off at once, without a reason: once is chance, again and again a wrong key. */
export class HandshakeBroken extends BrokerUnreachable {}

export class Transport {
  #socket;
  #name;
  #endpoint;
  #onFrame;
  #onEnd;
  #connectedAt = null;
  #secure = false;
  #over = false;

  /**
   * @param {{endpoint: string, name: string, keys: {publicKey: string, secretKey: string, brokerKey: string},
   *   onFrame: (frame: Buffer) => void, onEnd: (error: Error) => void}} options
   */
  constructor({ endpoint, name, keys, onFrame, onEnd }) {
    this.#endpoint = endpoint;
    this.#name = name;
    this.#onFrame = onFrame;
    this.#onEnd = onEnd;
    this.#socket = new Dealer({
      curvePublicKey: keys.publicKey,
      curveSecretKey: keys.secretKey,
      curveServerKey: keys.brokerKey,
      immediate: true,
      reconnectInterval: -1,
      linger: 0,
      handshakeInterval: HANDSHAKE_MS,
      connectTimeout: HANDSHAKE_MS,
      heartbeatInterval: HEARTBEAT_MS,
      heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
      maxMessageSize: MESSAGE_BYTES_MAX,
      sendHighWaterMark: FRAMES_QUEUED_MAX,
    });
  }

  open() {
    this.#watch();
    this.#receive();
    this.#socket.connect(this.#endpoint);
  }

  /** @param {Buffer} frame */
  async send(frame) {
    await this.#socket.send(frame);
  }

  /** Ends the connection. With `linger`, what was sent still leaves, within half a second. */
  close({ linger = false } = {}) {
    this.#over = true;
    if (this.#socket.closed) return;
    if (linger) this.#socket.linger = LINGER_MS;
    this.#socket.close();
  }

  async #receive() {
    try {
      for await (const parts of this.#socket) {
        if (this.#over) return;
        if (parts.length !== 1) this.#end(new MalformedFrame(`a message of ${parts.length} parts`));
        else this.#onFrame(parts[0]);
      }
    } catch (error) {
      this.#end(new SessionLost(`the connection failed: ${error.message}`));
    }
  }

  async #watch() {
    for await (const event of this.#socket.events) {
      if (this.#over) continue;
      const error = this.#meaning(event);
      if (error === null) continue;
      await this.#drain();
      this.#end(error);
    }
  }

  /** Why the connection is over, or null when it is not. */
  #meaning(event) {
    switch (event.type) {
      case 'connect':
        this.#connectedAt = performance.now();
        return null;
      case 'handshake':
        this.#secure = true;
        return null;
      case 'handshake:error:auth':
        return event.error.status === ZAP_DENIED ? new NotAuthorized(this.#name) : this.#broken();
      case 'handshake:error:other':
      case 'handshake:error:protocol':
        return this.#broken();
      case 'disconnect':
      case 'close':
        return this.#closed();
      default:
        return null;
    }
  }

  #closed() {
    if (this.#connectedAt === null) return new BrokerUnreachable(`nobody listens at ${this.#endpoint}`);
    return this.#secure ? new SessionLost() : this.#broken();
  }

  #broken() {
    const atOnce = this.#connectedAt !== null && performance.now() - this.#connectedAt < BROKEN_AT_ONCE_MS;
    const type = atOnce ? HandshakeBroken : BrokerUnreachable;
    return new type(`the broker at ${this.#endpoint} did not finish the handshake`, 'look at the broker\'s log');
  }

  /** What came before the end is read first: REFUSED says why. */
  async #drain() {
    while (!this.#over && !this.#socket.closed && this.#socket.readable) await new Promise(setImmediate);
  }

  #end(error) {
    if (this.#over) return;
    this.close();
    this.#onEnd(error);
  }
}
