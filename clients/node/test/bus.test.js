// The client against the real broker.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTick } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { capability } from 'zeromq';

import {
  Aborted, BrokerUnreachable, Client, Closed, Denied, InvalidArgument, NoResponder, NotAuthorized, RemoteError,
  ResponderGone, TimedOut, UnknownOutcome, WrongServerKey,
} from 'guildhall';
import { TestHome } from './support/home.js';

const NAMES = ['ada', 'bob', 'courier'];
const limit = { timeout: 60_000 };

async function take(subscription, count) {
  const items = [];
  while (items.length < count) items.push((await subscription.next()).value);
  return items;
}

/** The next 'session' event with this state. */
async function session(client, state) {
  for (;;) {
    const [event] = await once(client, 'session');
    if (event.state === state) return event;
  }
}

function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

test('the prebuilt zeromq speaks CURVE', () => assert.equal(capability.curve, true));

describe('with a broker', limit, () => {
  /** @type {TestHome} */
  let home;
  const clients = [];
  const connect = async (name, options = {}) => {
    const client = await Client.connect({ home: home.root, name, ...options });
    clients.push(client);
    return client;
  };

  before(async () => {
    home = new TestHome();
    for (const name of NAMES) home.addClient(name);
    await home.startBroker();
  });
  after(async () => {
    for (const client of clients) await client.close();
    await home.remove();
  });

  test('a message arrives as it was sent, with the sender that the broker knows', async () => {
    const ada = await connect('ada');
    const bob = await connect('bob');
    const inbox = await bob.subscribe('apps/*/größe');
    const before = BigInt(Date.now()) * 1_000_000n;
    await ada.publish('apps/prices/größe', Buffer.from([0, 255, 10]));
    const [message] = await take(inbox, 1);
    assert.equal(message.kind, 'message');
    assert.equal(message.topic, 'apps/prices/größe');
    assert.equal(message.sender, 'ada');
    assert.equal(message.sequence, 1n);
    assert.deepEqual(message.payload, Buffer.from([0, 255, 10]));
    assert.ok(message.time >= before - 1_000_000_000n && message.epoch >= 0);
    await Promise.all([ada.close(), bob.close()]);
  });

  test('20,000 messages arrive in order, over two topics, acked or not', async () => {
    const ada = await connect('ada');
    const bob = await connect('bob');
    const inbox = await bob.subscribe('apps/order/**');
    const acks = [];
    for (let index = 0; index < 20_000; index += 1) {
      const sent = ada.publish(`apps/order/${index % 2}`, String(index), { ack: index % 3 === 0 });
      if (index % 3 === 0) acks.push(sent);
    }
    const items = await take(inbox, 20_000);
    items.forEach((item, index) => {
      assert.equal(item.payload.toString(), String(index));
      assert.equal(item.sequence, BigInt(index + 1));
    });
    const answers = await Promise.all(acks);
    answers.forEach(({ sequence }, index) => assert.equal(sequence, BigInt(index * 3 + 1)));
    await Promise.all([ada.close(), bob.close()]);
  });

  test('more than both windows goes through: credit is returned both ways', async () => {
    const ada = await connect('ada');
    const bob = await connect('bob', { creditBytes: 65536, creditMessages: 100 });
    const inbox = await bob.subscribe('apps/volume');
    const payload = Buffer.alloc(10_000, 7);
    const sending = (async () => {
      for (let index = 0; index < 1000; index += 1) await ada.publish('apps/volume', payload);
    })();
    for (const item of await take(inbox, 1000)) assert.equal(item.payload.length, 10_000);
    await sending;
    await Promise.all([ada.close(), bob.close()]);
  });

  test('a broker that stands still for a while holds everything up, and loses nothing', async () => {
    const ada = await connect('ada');
    const inbox = await ada.subscribe('apps/still');
    home.signalBroker('SIGSTOP');
    const acks = [];
    // A frame each: many more than the socket could be asked to queue at once.
    for (let index = 0; index < 2000; index += 1) {
      acks.push(ada.publish('apps/still', String(index), { ack: true }));
      await nextTick();
    }
    home.signalBroker('SIGCONT');
    const items = await take(inbox, 2000);
    items.forEach((item, index) => assert.equal(item.payload.toString(), String(index)));
    await Promise.all(acks);
    await ada.close();
  });

  test('a payload of 1 MiB passes, one byte more is refused before it is sent', async () => {
    const ada = await connect('ada');
    const inbox = await ada.subscribe('apps/big');
    await ada.publish('apps/big', Buffer.alloc(1024 * 1024, 1), { ack: true });
    assert.equal((await take(inbox, 1))[0].payload.length, 1024 * 1024);
    await assert.rejects(ada.publish('apps/big', Buffer.alloc(1024 * 1024 + 1)), { name: 'InvalidArgument', code: 'payload_too_large' });
    await ada.close();
  });

  test('what the list does not allow is Denied', async () => {
    const ada = await connect('ada');
    const denied = { name: 'Denied', code: 'no_permission' };
    await assert.rejects(ada.publish('ledger/x', '', { ack: true }), denied);
    await assert.rejects(ada.subscribe('ledger/**'), denied);
    await assert.rejects(ada.serve('ledgerd/transfer', () => ''), denied);
    await assert.rejects(ada.request('ledgerd/transfer', ''), denied);
    const told = once(ada, 'denied');
    await ada.publish('ledger/x', 'nobody waits for this one');
    const [error] = await told;
    assert.ok(error instanceof Denied && error.topic === 'ledger/x' && error.count === 1);
    // The session goes on, and so do its numbers.
    assert.deepEqual(await ada.publish('apps/x', '', { ack: true }), { sequence: 3n });
    await ada.close();
  });

  test('bad arguments are refused here', async () => {
    const ada = await connect('ada');
    await assert.rejects(ada.publish('apps//x', ''), InvalidArgument);
    await assert.rejects(ada.publish('apps/*', ''), InvalidArgument);
    await assert.rejects(ada.publish('apps/x', 7), { code: 'payload_invalid' });
    await assert.rejects(ada.subscribe('apps/**/x'), InvalidArgument);
    await assert.rejects(ada.request('apps/x', '', { timeout: 600_001 }), { code: 'option_invalid' });
    await ada.close();
  });

  test('a request is answered by who serves it', async () => {
    const ada = await connect('ada');
    const bob = await connect('bob');
    const seen = [];
    await bob.serve('apps/echo/*', (request) => {
      seen.push([request.topic, request.sender]);
      assert.ok(request.deadlineMs <= 2000);
      return request.payload;
    });
    const answers = await Promise.all(Array.from({ length: 500 }, (_, index) => ada.request(`apps/echo/${index}`, `n${index}`, { timeout: 2000 })));
    answers.forEach((answer, index) => assert.equal(answer.toString(), `n${index}`));
    assert.deepEqual(seen[0], ['apps/echo/0', 'ada']);
    await Promise.all([ada.close(), bob.close()]);
  });

  test('an error reply keeps its kind, code, message and next step', async () => {
    const ada = await connect('ada');
    const bob = await connect('bob');
    const faults = [];
    bob.on('fault', (error) => faults.push(error.message));
    await bob.serve('apps/shop/buy', () => {
      throw new RemoteError({ kind: 'funds', code: 'funds_short', message: '3.00 available, 5.00 asked', nextStep: 'wait for income' });
    });
    await bob.serve('apps/shop/broken', () => {
      throw new TypeError('a bug');
    });
    await assert.rejects(ada.request('apps/shop/buy'), {
      name: 'RemoteError', kind: 'funds', code: 'funds_short', message: '3.00 available, 5.00 asked', nextStep: 'wait for income',
    });
    await assert.rejects(ada.request('apps/shop/broken'), { kind: 'failed', code: 'handler_failed', message: 'a bug' });
    assert.deepEqual(faults, ['a bug']);
    await Promise.all([ada.close(), bob.close()]);
  });

  test('no responder, a deadline that passes, an abort, a responder that leaves', async () => {
    const ada = await connect('ada');
    const bob = await connect('bob');
    await assert.rejects(ada.request('apps/nobody'), NoResponder);
    const signals = [];
    const asked = [deferred(), deferred(), deferred()];
    await bob.serve('apps/slow', ({ signal, payload }) => {
      signals.push(signal);
      asked[Number(payload)].resolve();
      return new Promise(() => {});
    });
    await assert.rejects(ada.request('apps/slow', '0', { timeout: 50 }), TimedOut);
    const abort = new AbortController();
    const aborted = ada.request('apps/slow', '1', { signal: abort.signal });
    await asked[1].promise;
    const cancelled = once(signals[1], 'abort');
    abort.abort();
    await assert.rejects(aborted, Aborted);
    await cancelled;
    assert.ok(signals[0].aborted);
    const left = ada.request('apps/slow', '2');
    await asked[2].promise;
    await Promise.all([assert.rejects(left, ResponderGone), bob.close()]);
    await ada.close();
  });

  test('a subscription that is left gets nothing more; another of the same pattern does', async () => {
    const ada = await connect('ada');
    const [first, second] = [await ada.subscribe('apps/twice'), await ada.subscribe('apps/twice')];
    await ada.publish('apps/twice', '1', { ack: true });
    assert.equal((await take(first, 1))[0].payload.toString(), '1');
    await first.close();
    assert.deepEqual(await first.next(), { value: undefined, done: true });
    await ada.publish('apps/twice', '2', { ack: true });
    assert.deepEqual((await take(second, 2)).map((item) => item.payload.toString()), ['1', '2']);
    await second.close();
    await ada.close();
  });

  test('close sends what waits, tells what does not, and ends what is open', async () => {
    const ada = await connect('ada');
    const bob = await connect('bob');
    const inbox = await bob.subscribe('apps/last');
    const own = await ada.subscribe('apps/own');
    for (let index = 0; index < 100; index += 1) ada.publish('apps/last', String(index));
    assert.deepEqual(await ada.close(), { unsent: 0 });
    assert.equal((await take(inbox, 100)).at(-1).payload.toString(), '99');
    assert.deepEqual(await own.next(), { value: undefined, done: true });
    await assert.rejects(ada.publish('apps/last', ''), Closed);
    await bob.close();
  });

  test('a key that is not on the list is NotAuthorized within a second', async () => {
    const elsewhere = new TestHome();
    try {
      elsewhere.addClient('stranger');
      cpSync(join(elsewhere.root, 'keys/stranger'), join(home.root, 'keys/stranger'), { recursive: true });
      cpSync(join(home.root, 'keys/ada/broker.public'), join(home.root, 'keys/stranger/broker.public'));
    } finally {
      await elsewhere.remove();
    }
    const since = performance.now();
    await assert.rejects(connect('stranger'), NotAuthorized);
    assert.ok(performance.now() - since < 1000);
  });

  test('another broker\'s public key is WrongServerKey within two seconds', async () => {
    home.addClient('misled');
    const path = join(home.root, 'keys/misled/broker.public');
    writeFileSync(path, '7'.repeat(64));
    const since = performance.now();
    await assert.rejects(connect('misled'), WrongServerKey);
    assert.ok(performance.now() - since < 2000);
  });

  test('after the broker\'s death subscriptions and services are back, and what is unknown is told', async () => {
    const ada = await connect('ada');
    const bob = await connect('bob');
    const inbox = await bob.subscribe('apps/life');
    const asked = deferred();
    await bob.serve('apps/life/ask', ({ payload }) => {
      if (payload.length > 0) return payload;
      asked.resolve();
      return new Promise(() => {});
    });
    const unknown = assert.rejects(ada.request('apps/life/ask', ''), UnknownOutcome);
    await asked.promise;
    const down = Promise.all([session(ada, 'down'), session(bob, 'down')]);
    const sent = Array.from({ length: 5000 }, () => ada.publish('apps/life', Buffer.alloc(100), { ack: true }));
    const outcomes = Promise.allSettled(sent);
    await home.killBroker();
    await unknown;
    const up = Promise.all([session(ada, 'up'), session(bob, 'up')]);
    await down;
    await home.startBroker();
    await up;
    // Each was accepted, or is unknown, or went to the new session: nothing is pending.
    for (const outcome of await outcomes)
      if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof UnknownOutcome);
    await ada.publish('apps/life', 'again', { ack: true });
    let lost = false;
    for await (const item of inbox) {
      if (item.kind === 'gap') lost ||= item.reason === 'session_lost';
      else if (item.payload.toString() === 'again') break;
    }
    assert.ok(lost);
    assert.equal((await ada.request('apps/life/ask', 'back')).toString(), 'back');
    await Promise.all([ada.close(), bob.close()]);
  });

  test('the example bot answers a request and publishes its result', async () => {
    const ada = await connect('ada');
    const results = await ada.subscribe('apps/courier/out');
    const bot = spawn(process.execPath, [fileURLToPath(new URL('../examples/bot.js', import.meta.url)), 'courier'], {
      env: home.environment, stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      assert.equal((await once(createInterface(bot.stdout), 'line'))[0], 'ready');
      assert.equal((await ada.request('apps/courier/double', '21')).toString(), '42');
      await assert.rejects(ada.request('apps/courier/double', 'x'), { name: 'RemoteError', kind: 'invalid', code: 'number_invalid' });
      await ada.publish('apps/courier/in', '4');
      const items = await take(results, 2);
      assert.deepEqual(items.map((item) => [item.sender, item.payload.toString()]), [['courier', '42'], ['courier', '8']]);
    } finally {
      bot.kill('SIGKILL');
    }
    await ada.close();
  });
});

test('a subscriber that falls behind finds a gap where the loss was', limit, async () => {
  const home = new TestHome();
  try {
    for (const name of ['ada', 'bob']) home.addClient(name);
    home.config('[broker]\nqueue_messages_max = 100\n');
    await home.startBroker();
    const ada = await Client.connect({ home: home.root, name: 'ada' });
    const bob = await Client.connect({ home: home.root, name: 'bob', creditMessages: 10 });
    const inbox = await bob.subscribe('apps/drop');
    const acks = [];
    for (let index = 1; index <= 2000; index += 1) acks.push(ada.publish('apps/drop', String(index).padStart(1000), { ack: true }));
    await Promise.all(acks);
    let next = 1n;
    let lost = 0n;
    while (next <= 2000n) {
      const [item] = await take(inbox, 1);
      const isGap = item.kind === 'gap';
      assert.equal(isGap ? item.first : item.sequence, next);
      if (isGap) {
        assert.equal(item.reason, 'dropped_oldest');
        assert.equal(item.sender, 'ada');
        assert.equal(item.count, item.last - item.first + 1n);
        lost += item.count;
      } else {
        assert.equal(item.payload.toString().trim(), String(next));
      }
      next = (isGap ? item.last : item.sequence) + 1n;
    }
    assert.ok(lost > 1000n, `lost ${lost}`);
    await Promise.all([ada.close(), bob.close()]);
  } finally {
    await home.remove();
  }
});

test('without a broker connect is BrokerUnreachable; it waits for one that comes', limit, async () => {
  const home = new TestHome();
  try {
    home.addClient('ada');
    await assert.rejects(Client.connect({ home: home.root, name: 'ada', connectTimeout: 300 }), BrokerUnreachable);
    const waiting = Client.connect({ home: home.root, name: 'ada' });
    await home.startBroker();
    await (await waiting).close();
  } finally {
    await home.remove();
  }
});

test('a client that is closed while it has no broker ends at once, and tells what never left', limit, async () => {
  const home = new TestHome();
  try {
    home.addClient('ada');
    await home.startBroker();
    const ada = await Client.connect({ home: home.root, name: 'ada' });
    const inbox = await ada.subscribe('apps/x');
    const down = session(ada, 'down');
    await home.killBroker();
    assert.equal((await down).error.code, 'session_lost');
    const acked = assert.rejects(ada.publish('apps/x', '1', { ack: true }), Closed);
    await ada.publish('apps/x', '2');
    const request = assert.rejects(ada.request('apps/y'), Closed);
    const subscribing = assert.rejects(ada.subscribe('apps/z'), Closed);
    assert.deepEqual(await ada.close(), { unsent: 2 });
    await Promise.all([acked, request, subscribing]);
    assert.equal((await inbox.next()).value.reason, 'session_lost');
    assert.deepEqual(await inbox.next(), { value: undefined, done: true });
  } finally {
    await home.remove();
  }
});
