// How long to wait before the next try: 50 ms to 2 s, longer after each failure, with jitter so that
// a thousand clients do not come back in step.

export const BACKOFF_MS_MIN = 50;
export const BACKOFF_MS_MAX = 2000;

export class Backoff {
  #cap = BACKOFF_MS_MIN;
  #random;

  constructor(random = Math.random) {
    this.#random = random;
  }

  reset() {
    this.#cap = BACKOFF_MS_MIN;
  }

  /** Milliseconds to wait now. */
  next() {
    const wait = BACKOFF_MS_MIN + this.#random() * (this.#cap - BACKOFF_MS_MIN);
    this.#cap = Math.min(BACKOFF_MS_MAX, this.#cap * 2);
    return wait;
  }
}
