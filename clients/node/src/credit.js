// Credit, both ways (docs/protocol.md "Credit").

/** What this client may still send: opened by WELCOME, refilled by CREDIT. */
export class SendWindow {
  #bytes;
  #messages;
  #keptBytes;
  #keptMessages;

  /** @param {number} bytes @param {number} messages */
  constructor(bytes, messages) {
    this.#bytes = bytes;
    this.#messages = messages;
    // The last quarter is for requests and replies: a held-back publish must not stop them.
    this.#keptBytes = Math.floor(bytes / 4);
    this.#keptMessages = Math.floor(messages / 4);
  }

  get openForCalls() {
    return this.#bytes > 0 && this.#messages > 0;
  }

  get openForItems() {
    return this.#bytes > this.#keptBytes && this.#messages > this.#keptMessages;
  }

  spend(bytes, messages) {
    this.#bytes -= bytes;
    this.#messages -= messages;
  }

  grant(bytes, messages) {
    this.#bytes += bytes;
    this.#messages += messages;
  }
}

/**
 * What the broker may have in flight to this client: `held` is what came and the application has not
 * processed, over all sessions, so that a new session offers only what is free; `owed` is what was
 * processed and not yet told to the broker of the present session.
 */
export class Intake {
  #limit;
  #held = { bytes: 0, messages: 0 };
  #owed = { bytes: 0, messages: 0 };
  #generation = 0;
  #roomWaiters = [];

  /** @param {{bytes: number, messages: number}} limit */
  constructor(limit) {
    this.#limit = limit;
  }

  /** A new session begins: what it offers in HELLO. */
  begin() {
    this.#generation += 1;
    this.#owed = { bytes: 0, messages: 0 };
    return { bytes: this.#limit.bytes - this.#held.bytes, messages: this.#limit.messages - this.#held.messages };
  }

  /** Resolves when a new session could offer at least a quarter of the window. */
  async room() {
    while (!this.#hasRoom()) await new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  get waiting() {
    return !this.#hasRoom();
  }

  /**
   * `bytes` and `messages` came in. The token goes to `release`, once for each of `holders`.
   */
  take(bytes, messages, holders = 1) {
    this.#held.bytes += bytes;
    this.#held.messages += messages;
    return { bytes, messages, holders, generation: this.#generation };
  }

  /** The application has processed it. Returns whether the broker should be told soon. */
  release(token) {
    token.holders -= 1;
    if (token.holders > 0) return false;
    this.#held.bytes -= token.bytes;
    this.#held.messages -= token.messages;
    this.#wakeWhenRoom();
    if (token.generation !== this.#generation) return false;
    this.#owed.bytes += token.bytes;
    this.#owed.messages += token.messages;
    return true;
  }

  /** Whether so much is owed that the broker might soon stop. */
  get pressing() {
    return this.#owed.bytes * 8 >= this.#limit.bytes || this.#owed.messages * 8 >= this.#limit.messages;
  }

  /** The CREDIT record that tells the broker all that is owed, or null. */
  settle() {
    const { bytes, messages } = this.#owed;
    if (bytes === 0 && messages === 0) return null;
    this.#owed = { bytes: 0, messages: 0 };
    return { kind: 'CREDIT', number: BigInt(bytes), messages };
  }

  #hasRoom() {
    return this.#held.bytes * 4 <= this.#limit.bytes * 3 && this.#held.messages * 4 <= this.#limit.messages * 3;
  }

  #wakeWhenRoom() {
    if (this.#roomWaiters.length === 0 || !this.#hasRoom()) return;
    for (const wake of this.#roomWaiters.splice(0)) wake();
  }
}
