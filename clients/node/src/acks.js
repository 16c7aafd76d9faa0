// The items of one session that wait for ACK or DENIED, in the order they were sent.
import { MalformedFrame, UnknownOutcome } from './errors.js';
import { Fifo } from './fifo.js';

export class Acks {
  #waiting = new Fifo();

  get size() {
    return this.#waiting.length;
  }

  /** @param {bigint} sequence @param {import('./outbox.js').Item} item */
  expect(sequence, item) {
    this.#waiting.push({ sequence, item });
  }

  /** ACK: the `count` items up to `last` were accepted. */
  accept(last, count) {
    const first = last - BigInt(count) + 1n;
    if (this.#waiting.length < count || (count > 0 && this.#waiting.peek().sequence !== first))
      throw new MalformedFrame(`an ACK of the items ${first} to ${last}, which were not next`);
    for (let left = count; left > 0; left -= 1) {
      const { sequence, item } = this.#waiting.shift();
      item.resolve({ sequence });
    }
  }

  /**
   * DENIED: `count` items from `first` on were refused. Returns how many of them wanted no ack, so
   * that nobody has been told yet.
   */
  deny(first, count, error) {
    const end = first + BigInt(count);
    let told = 0;
    while (this.#waiting.length > 0 && this.#waiting.peek().sequence < end) {
      this.#waiting.shift().item.reject(error);
      told += 1;
    }
    return count - told;
  }

  /** The session ended without an answer to these. */
  lose() {
    for (const { item } of this.#waiting.drain()) item.reject(new UnknownOutcome(`the publish to ${item.topic}`));
  }
}
