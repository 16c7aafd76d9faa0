// What waits to be sent, and how it is packed into frames: many records in one when many wait.
// Three queues: control records (free of credit), calls (requests and replies) and items
// (publishes). Calls and items leave in the order they came, unless credit holds the items back.
import { Fifo } from './fifo.js';
import { ACK_WANTED, HEADER_BYTES, ITEM_HEADER_BYTES, recordBytes } from './frames.js';

export const FRAME_BYTES_TARGET = 64 * 1024;
const PUBLISH_FLAGS_BYTES = 1;

/**
 * One publish that waits.
 * @typedef {object} Item
 * @property {string} topic
 * @property {Buffer} payload
 * @property {boolean} ack
 * @property {((value: any) => void) | null} resolve null when nobody waits for its being sent
 * @property {((error: Error) => void) | null} reject
 */

/**
 * A request or reply that waits; `record` gives null when it is no longer wanted.
 * @typedef {object} Call
 * @property {() => object | null} record
 * @property {() => void} sent
 * @property {boolean} survives whether it may go to the next session
 */

export class Outbox {
  #control = new Fifo();
  #calls = new Fifo();
  #items = new Fifo();
  #itemBytes = 0;
  #order = 0;

  /** Called after each push. */
  wake = () => {};

  get items() {
    return this.#items.length;
  }

  get itemBytes() {
    return this.#itemBytes;
  }

  get empty() {
    return this.#control.length === 0 && this.#calls.length === 0 && this.#items.length === 0;
  }

  /** @param {object} record */
  pushControl(record) {
    this.#control.push(record);
    this.wake();
  }

  /** @param {Call} call */
  pushCall(call) {
    this.#calls.push({ order: this.#order++, call });
    this.wake();
  }

  /** @param {Item} item */
  pushItem(item) {
    this.#items.push({ order: this.#order++, item });
    this.#itemBytes += ITEM_HEADER_BYTES + item.payload.length;
    this.wake();
  }

  /** The session ended: what belonged to it alone goes. */
  endSession() {
    this.#control.drain();
    for (const entry of this.#calls.drain()) if (entry.call.survives) this.#calls.push(entry);
  }

  /** Takes out all items, for a client that closes. @returns {Item[]} */
  dropItems() {
    this.#itemBytes = 0;
    return this.#items.drain().map((entry) => entry.item);
  }

  /**
   * What goes into the next frame, or null when nothing may be sent.
   * @param {import('./credit.js').SendWindow} window
   * @param {bigint} sequence of the next item
   */
  take(window, sequence) {
    const batch = new Batch(sequence);
    while (this.#control.length > 0 && batch.fits(recordBytes(this.#control.peek()))) batch.addFree(this.#control.shift());
    // One look at the credit for a frame: it may go below zero by this frame.
    const calls = window.openForCalls;
    const items = window.openForItems;
    while (this.#takeOne(batch, calls, items));
    window.spend(batch.paidBytes, batch.paidMessages);
    return batch.records.length === 0 ? null : batch;
  }

  #takeOne(batch, callsOpen, itemsOpen) {
    const call = callsOpen ? this.#calls.peek() : undefined;
    const item = itemsOpen ? this.#items.peek() : undefined;
    if (call === undefined && item === undefined) return false;
    if (item === undefined || (call !== undefined && call.order < item.order)) return this.#takeCall(batch, call.call);
    if (!batch.addItem(item.item)) return false;
    this.#items.shift();
    this.#itemBytes -= ITEM_HEADER_BYTES + item.item.payload.length;
    return true;
  }

  #takeCall(batch, call) {
    const record = call.record();
    if (record !== null && !batch.addPaid(record)) return false;
    this.#calls.shift();
    if (record !== null) call.sent();
    return true;
  }
}

/** The records of one frame as it is packed. */
class Batch {
  records = [];
  /** @type {{sequence: bigint, item: Item}[]} */
  items = [];
  paidBytes = 0;
  paidMessages = 0;
  #bytes = 0;
  #run = null;

  constructor(sequence) {
    this.sequence = sequence;
  }

  fits(bytes) {
    return this.paidMessages === 0 || this.#bytes + bytes <= FRAME_BYTES_TARGET;
  }

  addFree(record) {
    this.records.push(record);
    this.#bytes += recordBytes(record);
  }

  addPaid(record) {
    const bytes = recordBytes(record);
    if (!this.fits(bytes)) return false;
    this.records.push(record);
    this.#run = null;
    this.#pay(bytes);
    return true;
  }

  /** Consecutive items of one topic, alike in their wish for an ack, share a record: a run. */
  addItem(item) {
    const joins = this.#run !== null && this.#run.topic === item.topic && (this.#run.flags === ACK_WANTED) === item.ack;
    const overhead = joins ? 0 : HEADER_BYTES + PUBLISH_FLAGS_BYTES + Buffer.byteLength(item.topic);
    const bytes = overhead + ITEM_HEADER_BYTES + item.payload.length;
    if (!this.fits(bytes)) return false;
    if (!joins) this.#begin(item);
    this.#run.items.push(item.payload);
    this.items.push({ sequence: this.sequence, item });
    this.sequence += 1n;
    this.#pay(bytes);
    return true;
  }

  #begin(item) {
    this.#run = { kind: 'PUBLISH', number: this.sequence, topic: item.topic, flags: item.ack ? ACK_WANTED : 0, items: [] };
    this.records.push(this.#run);
  }

  #pay(bytes) {
    this.#bytes += bytes;
    this.paidBytes += bytes;
    this.paidMessages += 1;
  }
}
