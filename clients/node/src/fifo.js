// A queue with O(1) push and shift, which arrays of many thousand elements do not have.

const COMPACT_AT = 1024;

/** @template T */
export class Fifo {
  /** @type {(T | undefined)[]} */
  #slots = [];
  #head = 0;

  get length() {
    return this.#slots.length - this.#head;
  }

  /** @param {T} value */
  push(value) {
    this.#slots.push(value);
  }

  /** @returns {T | undefined} */
  peek() {
    return this.#slots[this.#head];
  }

  /** @returns {T | undefined} */
  shift() {
    if (this.length === 0) return undefined;
    const value = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head += 1;
    if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#slots.length) {
      this.#slots = this.#slots.slice(this.#head);
      this.#head = 0;
    }
    return value;
  }

  /** Everything, in order; the queue is empty after it. @returns {T[]} */
  drain() {
    const all = this.#slots.slice(this.#head);
    this.#slots = [];
    this.#head = 0;
    return /** @type {T[]} */ (all);
  }
}
