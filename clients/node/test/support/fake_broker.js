// The broker's side of a session, by bytes: takes the frames that a Session sends, and feeds it ours.
import { Intake } from '../../src/credit.js';
import { decodeFrame, encodeFrame } from '../../src/frames.js';
import { Outbox } from '../../src/outbox.js';
import { Session } from '../../src/session.js';

export const INSTANCE = Buffer.alloc(16, 0xab);

export class FakeBroker {
  /** Every frame that came, as records. @type {object[][]} */
  frames = [];
  received = [];
  denied = [];
  endedWith = null;
  outbox = new Outbox();

  constructor({ bytes = 1024 * 1024, messages = 1000 } = {}) {
    this.intake = new Intake({ bytes, messages });
    this.session = new Session({
      transport: {
        send: async (frame) => {
          this.frames.push(decodeFrame(frame, 'client'));
        },
      },
      outbox: this.outbox,
      intake: this.intake,
      owner: {
        welcomed: (welcome) => {
          this.welcome = welcome;
        },
        received: (record) => this.received.push(record),
        itemsDenied: (error) => this.denied.push(error),
        progressed: () => {},
        ended: (error) => {
          this.endedWith = error;
        },
      },
    });
    this.outbox.wake = () => this.session.schedule();
    this.session.start();
  }

  feed(...records) {
    this.session.receive(encodeFrame(records));
  }

  greet({ bytes = 1024 * 1024, messages = 1000 } = {}) {
    this.feed({
      kind: 'WELCOME', name: 'bot-7', version: 1, flags: 0, epoch: 3, instance: INSTANCE, payloadMax: 1024 * 1024,
      frameMax: 1280 * 1024, creditMessages: messages, creditBytes: BigInt(bytes),
    });
    return this;
  }

  /** Whatever the session sends by itself at the end of this tick has been sent after it. */
  async tick() {
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  }

  /** The records of all frames but HELLO. */
  get records() {
    return this.frames.slice(1).flat();
  }

  publish(topic, payload, ack = false) {
    return new Promise((resolve, reject) => this.outbox.pushItem({ topic, payload: Buffer.from(payload), ack, resolve, reject }));
  }
}
