// The parts, without a broker and without ZeroMQ.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import { Denied, InvalidArgument, RemoteError, UnknownOutcome } from 'guildhall';
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, Backoff } from '../src/backoff.js';
import { Calls, remoteError } from '../src/calls.js';
import { Intake, SendWindow } from '../src/credit.js';
import { Fifo } from '../src/fifo.js';
import { encodeFrame, recordBytes } from '../src/frames.js';
import { loadKeys, z85 } from '../src/keys.js';
import { FRAME_BYTES_TARGET, Outbox } from '../src/outbox.js';
import { Service, errorPayload } from '../src/service.js';
import { settingsOf } from '../src/settings.js';
import { Subscription } from '../src/subscription.js';
import { isClientName, isPattern, isTopic, matcher } from '../src/topics.js';
import { FakeBroker } from './support/fake_broker.js';

const plenty = () => new SendWindow(1 << 30, 1 << 30);
const item = (topic, payload, ack = false) => ({ topic, payload: Buffer.from(payload), ack, resolve: null, reject: null });
const call = (record, survives = false) => ({ record: () => record, sent: () => {}, survives });
const request = (number, size = 0) => ({ kind: 'REQUEST', number, topic: 'a/b', deadlineMs: 1, payload: Buffer.alloc(size) });

describe('names, topics and patterns', () => {
  test('names', () => {
    for (const name of ['a', 'bot-7', 'a_b', 'a'.repeat(64)]) assert.ok(isClientName(name), name);
    for (const name of ['', '7a', '-a', 'A', 'a b', '../a', 'a'.repeat(65), 'ä', 7]) assert.ok(!isClientName(name), String(name));
  });
  test('topics', () => {
    for (const topic of ['a', 'a/b', 'prices/größe', '🐬', 'a/'.repeat(9) + 'a', 'x'.repeat(250)]) assert.ok(isTopic(topic), topic);
    const bad = ['', '/a', 'a/', 'a//b', 'a b', 'a\u2003b', 'a\u0000', 'a\u0085', 'a/*', '**', 'a/'.repeat(10) + 'a', 'x'.repeat(251), 'ü'.repeat(126), '\ud800', null];
    for (const topic of bad) assert.ok(!isTopic(topic), JSON.stringify(topic));
  });
  test('patterns', () => {
    for (const pattern of ['a', '*', '**', 'a/*/b', '*/**']) assert.ok(isPattern(pattern), pattern);
    for (const pattern of ['a*', '**/a', 'a/***', 'a/*b', 'a//**', '']) assert.ok(!isPattern(pattern), pattern);
  });
  test('matching', () => {
    const rows = [['a/b', 'a/b', true], ['a/b', 'a/c', false], ['a/*', 'a/b', true], ['a/*', 'a', false], ['a/*', 'a/b/c', false],
      ['a/**', 'a', false], ['a/**', 'a/b', true], ['a/**', 'a/b/c', true], ['**', 'a', true], ['*/b/**', 'a/b/c', true], ['*/b/**', 'a/c/c', false]];
    for (const [pattern, topic, expected] of rows) assert.equal(matcher(pattern)(topic), expected, `${pattern} ${topic}`);
  });
});

describe('credit', () => {
  test('a frame may go while both counts are above zero; items leave the last quarter to calls', () => {
    const window = new SendWindow(400, 40);
    window.spend(299, 1);
    assert.ok(window.openForItems);
    window.spend(1, 1);
    assert.ok(!window.openForItems && window.openForCalls);
    window.spend(500, 1);
    assert.ok(!window.openForCalls);
    window.grant(400, 0);
    assert.ok(!window.openForCalls);
    window.grant(1, 0);
    assert.ok(window.openForCalls);
    window.spend(0, 37);
    assert.ok(!window.openForCalls);
  });
  test('what is owed is what was processed, once, and of this session only', () => {
    const intake = new Intake({ bytes: 1000, messages: 100 });
    assert.deepEqual(intake.begin(), { bytes: 1000, messages: 100 });
    const [old, two] = [intake.take(100, 1), intake.take(50, 1, 2)];
    assert.equal(intake.settle(), null);
    assert.ok(!intake.release(two));
    assert.ok(intake.release(two));
    assert.ok(!intake.pressing);
    assert.deepEqual(intake.settle(), { kind: 'CREDIT', number: 50n, messages: 1 });
    assert.equal(intake.settle(), null);
    assert.deepEqual(intake.begin(), { bytes: 900, messages: 99 });
    assert.ok(!intake.release(old));
    assert.equal(intake.settle(), null);
    intake.release(intake.take(125, 1));
    assert.ok(intake.pressing);
  });
  test('a new session waits until a quarter of the window is free', async () => {
    const intake = new Intake({ bytes: 1000, messages: 100 });
    intake.begin();
    const [first, second] = [intake.take(700, 1), intake.take(100, 1)];
    assert.ok(intake.waiting);
    let free = false;
    const room = intake.room().then(() => (free = true));
    await new Promise(setImmediate);
    assert.ok(!free);
    intake.release(second);
    await room;
    intake.release(first);
    assert.deepEqual(intake.begin(), { bytes: 1000, messages: 100 });
  });
});

describe('packing', () => {
  test('nothing to send is no frame', () => assert.equal(new Outbox().take(plenty(), 1n), null));
  test('items of one topic, alike in their wish for an ack, share a record', () => {
    const outbox = new Outbox();
    for (const one of [item('a', '1'), item('a', ''), item('a', '3', true), item('b', '4', true), item('b', '5', true)]) outbox.pushItem(one);
    const batch = outbox.take(plenty(), 7n);
    assert.deepEqual(batch.records.map(({ number, topic, flags, items }) => [number, topic, flags, items.map(String)]),
      [[7n, 'a', 0, ['1', '']], [9n, 'a', 1, ['3']], [10n, 'b', 1, ['4', '5']]]);
    assert.equal(batch.sequence, 12n);
    assert.equal(batch.paidMessages, 5);
    assert.equal(batch.paidBytes, encodeFrame(batch.records).length);
    assert.ok(outbox.empty && outbox.itemBytes === 0);
  });
  test('frames are filled up to 64 KiB, and nothing is lost between them', () => {
    const outbox = new Outbox();
    for (let index = 0; index < 5000; index += 1) outbox.pushItem(item(`t/${index % 3}`, `${index}`.padStart(index % 200)));
    const seen = [];
    let sequence = 1n;
    for (let batch; (batch = outbox.take(plenty(), sequence)) !== null; sequence = batch.sequence) {
      const bytes = encodeFrame(batch.records).length;
      assert.equal(bytes, batch.paidBytes);
      assert.ok(bytes <= FRAME_BYTES_TARGET && (outbox.empty || bytes > FRAME_BYTES_TARGET - 300));
      for (const { items } of batch.records) seen.push(...items.map((one) => Number(one)));
    }
    assert.deepEqual(seen, Array.from({ length: 5000 }, (_, index) => index));
  });
  test('a record over 64 KiB goes in a frame of its own, with free records before it', () => {
    const outbox = new Outbox();
    outbox.pushItem(item('a', Buffer.alloc(1024 * 1024)));
    outbox.pushItem(item('a', 'next'));
    outbox.pushControl({ kind: 'CANCEL', number: 1n });
    assert.deepEqual(outbox.take(plenty(), 1n).records.map(({ kind, items }) => [kind, items?.length]), [['CANCEL', undefined], ['PUBLISH', 1]]);
    assert.equal(outbox.take(plenty(), 2n).records[0].items.length, 1);
  });
  test('calls and items keep their order while credit lasts; then calls pass items, and control passes all', () => {
    const outbox = new Outbox();
    outbox.pushItem(item('a', '1'));
    outbox.pushCall(call(request(1n)));
    outbox.pushItem(item('a', '2'));
    assert.deepEqual(outbox.take(plenty(), 1n).records.map(({ kind }) => kind), ['PUBLISH', 'REQUEST', 'PUBLISH']);
    const window = new SendWindow(400, 40);
    window.spend(350, 1);
    outbox.pushItem(item('a', '3'));
    outbox.pushCall(call(request(2n, 100)));
    assert.deepEqual(outbox.take(window, 3n).records.map(({ kind }) => kind), ['REQUEST']);
    assert.equal(outbox.take(window, 3n), null);
    outbox.pushControl({ kind: 'SUBSCRIBE', number: 1n, topic: 'a' });
    assert.deepEqual(outbox.take(window, 3n).records.map(({ kind }) => kind), ['SUBSCRIBE']);
    window.grant(500, 10);
    assert.deepEqual(outbox.take(window, 3n).records.map(({ kind }) => kind), ['PUBLISH']);
  });
  test('a call that is no longer wanted is left out; the end of a session takes replies and control', () => {
    const outbox = new Outbox();
    outbox.pushCall(call(null));
    assert.equal(outbox.take(plenty(), 1n), null);
    outbox.pushCall(call({ kind: 'REPLY', number: 1n, status: 0, payload: Buffer.alloc(0) }));
    outbox.pushCall(call(request(2n), true));
    outbox.pushControl({ kind: 'CANCEL', number: 1n });
    outbox.pushItem(item('a', '1'));
    outbox.endSession();
    assert.deepEqual(outbox.take(plenty(), 1n).records.map(({ kind }) => kind), ['REQUEST', 'PUBLISH']);
  });
});

describe('a session against bytes', () => {
  test('HELLO first, and nothing else before WELCOME', async () => {
    const broker = new FakeBroker({ bytes: 5000, messages: 50 });
    broker.publish('a', '1');
    await broker.tick();
    assert.deepEqual(broker.frames.map((records) => records.map(({ kind }) => kind)), [['HELLO']]);
    assert.equal(broker.frames[0][0].creditBytes, 5000n);
    assert.equal(broker.frames[0][0].creditMessages, 50);
    broker.greet();
    await broker.tick();
    assert.equal(broker.welcome.name, 'bot-7');
    assert.deepEqual(broker.records.map(({ kind, number }) => [kind, number]), [['PUBLISH', 1n]]);
  });
  test('one tick\'s records leave in one frame, a frame\'s worth at once', async () => {
    const broker = new FakeBroker().greet();
    for (let index = 0; index < 10; index += 1) broker.publish('a', String(index));
    assert.equal(broker.frames.length, 1);
    await broker.tick();
    assert.equal(broker.frames.length, 2);
    assert.equal(broker.records[0].items.length, 10);
    broker.publish('a', Buffer.alloc(FRAME_BYTES_TARGET));
    assert.equal(broker.frames.length, 3);
  });
  test('what comes at any moment of a sending is sent as well', async () => {
    for (let moment = 0; moment < 20; moment += 1) {
      const broker = new FakeBroker().greet();
      await broker.tick();
      broker.publish('a', Buffer.alloc(FRAME_BYTES_TARGET));
      for (let turn = 0; turn < moment; turn += 1) await null;
      broker.publish('a', Buffer.alloc(FRAME_BYTES_TARGET));
      await broker.tick();
      assert.equal(broker.records.length, 2, `pushed ${moment} turns later`);
    }
  });
  test('items wait for credit and go on when it comes', async () => {
    const broker = new FakeBroker().greet({ bytes: 1000, messages: 4 });
    const sent = [];
    for (let index = 0; index < 3; index += 1) {
      broker.publish('a', String(index)).then(() => sent.push(index));
      await broker.tick();
    }
    broker.publish('a', '3').then(() => sent.push(3));
    await broker.tick();
    assert.deepEqual(sent, [0, 1, 2]);
    broker.feed({ kind: 'CREDIT_GRANT', number: 100n, messages: 4 });
    await broker.tick();
    assert.deepEqual(sent, [0, 1, 2, 3]);
  });
  test('ACK and DENIED settle the items they name', async () => {
    const broker = new FakeBroker().greet();
    const outcomes = ['a', 'a', 'b', 'a'].map((topic) => broker.publish(topic, '', true));
    broker.publish('c', '');
    await broker.tick();
    broker.feed({ kind: 'ACK', number: 2n, count: 2 }, { kind: 'DENIED', number: 3n, topic: 'b', code: 16, count: 1, reason: 'no' },
      { kind: 'ACK', number: 4n, count: 1 }, { kind: 'DENIED', number: 5n, topic: 'c', code: 16, count: 1, reason: 'no' });
    assert.deepEqual(await Promise.all([outcomes[0], outcomes[1], outcomes[3]]), [{ sequence: 1n }, { sequence: 2n }, { sequence: 4n }]);
    await assert.rejects(outcomes[2], { name: 'Denied', code: 'no_permission', topic: 'b', message: 'no' });
    assert.deepEqual(broker.denied.map(({ topic, count }) => [topic, count]), [['c', 1]]);
    assert.equal(broker.session.unanswered, 0);
  });
  test('the end of the session makes unanswered items unknown, and keeps those that never left', async () => {
    const broker = new FakeBroker().greet({ bytes: 40, messages: 100 });
    const unknown = broker.publish('a', Buffer.alloc(100), true);
    await broker.tick();
    broker.publish('a', 'kept', true);
    await broker.tick();
    const asked = broker.session.ask('SUBSCRIBE', 'a');
    broker.feed({ kind: 'REFUSED', code: 6, reason: 'the broker stops' });
    await assert.rejects(unknown, UnknownOutcome);
    await assert.rejects(asked, { code: 'session_lost' });
    assert.equal(broker.endedWith.code, 'shutting_down');
    assert.deepEqual(broker.outbox.dropItems().map(({ payload }) => String(payload)), ['kept']);
  });
  test('DONE and DENIED answer by correlation', async () => {
    const broker = new FakeBroker().greet();
    const [first, second] = [broker.session.ask('SUBSCRIBE', 'a'), broker.session.ask('SERVE', 'b')];
    await broker.tick();
    assert.deepEqual(broker.records.map(({ kind, number, topic }) => [kind, number, topic]), [['SUBSCRIBE', 1n, 'a'], ['SERVE', 2n, 'b']]);
    broker.feed({ kind: 'DONE', number: 1n, topic: 'a' }, { kind: 'DENIED', number: 2n, topic: 'b', code: 8, count: 0, reason: 'enough' });
    await first;
    await assert.rejects(second, (error) => error instanceof Denied && error.code === 'too_many');
  });
  test('credit returns what was processed: at once when the broker might stop, else a little later, never more', async () => {
    const broker = new FakeBroker({ bytes: 1000, messages: 100 }).greet();
    broker.session.processed(broker.intake.take(200, 3));
    await broker.tick();
    assert.deepEqual(broker.records.map(({ kind, number, messages }) => [kind, number, messages]), [['CREDIT', 200n, 3]]);
    broker.session.processed(broker.intake.take(10, 1));
    broker.publish('a', '');
    await broker.tick();
    assert.deepEqual(broker.records.slice(1).map(({ kind }) => kind), ['CREDIT', 'PUBLISH']);
    broker.session.processed(broker.intake.take(11, 1));
    broker.session.leave();
    await broker.tick();
    assert.deepEqual(broker.records.slice(3).map(({ kind, number }) => [kind, number]), [['CREDIT', 11n], ['GOODBYE', 0n]]);
    broker.session.end(new Error('over'));
  });
  const nonsense = {
    'bytes that are no frame': (broker) => broker.session.receive(Buffer.from('nonsense')),
    'anything before WELCOME': (broker) => broker.feed({ kind: 'DONE', number: 1n, topic: 'a' }),
    'a second WELCOME': (broker) => broker.greet().greet(),
    'an ACK of what was not sent': (broker) => broker.greet().feed({ kind: 'ACK', number: 1n, count: 1 }),
  };
  for (const [what, feed] of Object.entries(nonsense)) {
    test(`${what} ends the session`, () => {
      const broker = new FakeBroker();
      feed(broker);
      assert.equal(broker.endedWith?.code, 'malformed_frame');
    });
  }
});

describe('requests', () => {
  const record = (kind, rest) => ({ kind, number: 1n, topic: 'a/b', name: 'r', ...rest });
  const sentBy = (outbox) => outbox.take(plenty(), 1n)?.records ?? [];
  test('a reply, an error reply and each failure settle their request', async () => {
    const outbox = new Outbox();
    const calls = new Calls(outbox, 10);
    const waiting = Array.from({ length: 5 }, () => calls.request('a/b', Buffer.from('q'), { timeout: 1000 }));
    const sent = sentBy(outbox);
    assert.deepEqual(sent.map(({ number }) => number), [1n, 2n, 3n, 4n, 5n]);
    assert.ok(sent.every(({ deadlineMs }) => deadlineMs > 0 && deadlineMs <= 1000));
    calls.replied(record('REPLY_DELIVERY', { status: 0, payload: Buffer.from('yes') }));
    calls.replied(record('REPLY_DELIVERY', { number: 2n, status: 1, payload: errorPayload(new RemoteError({ kind: 'funds', code: 'funds_short', message: 'm', nextStep: 'n' })) }));
    calls.failed(record('FAILED', { number: 3n, code: 32, reason: 'nobody' }));
    calls.failed(record('FAILED', { number: 4n, code: 16, reason: 'no' }));
    calls.replied(record('REPLY_DELIVERY', { number: 99n, status: 0, payload: Buffer.alloc(0) }));
    assert.equal(String(await waiting[0]), 'yes');
    await assert.rejects(waiting[1], { name: 'RemoteError', kind: 'funds', code: 'funds_short', message: 'm', nextStep: 'n' });
    await assert.rejects(waiting[2], { name: 'NoResponder', message: 'nobody' });
    await assert.rejects(waiting[3], { name: 'Denied', code: 'no_permission' });
    calls.lose();
    await assert.rejects(waiting[4], UnknownOutcome);
    assert.equal(calls.size, 0);
  });
  test('one that was not sent survives a session, times out by itself, and is not sent after that', async () => {
    const outbox = new Outbox();
    const calls = new Calls(outbox, 10);
    const late = calls.request('a/b', Buffer.alloc(0), { timeout: 1 });
    calls.lose();
    await assert.rejects(late, { name: 'TimedOut', code: 'timeout' });
    assert.deepEqual(sentBy(outbox), []);
  });
  test('too many at a time are refused', async () => {
    const calls = new Calls(new Outbox(), 1);
    const first = assert.rejects(calls.request('a', Buffer.alloc(0), { timeout: 1000 }), { code: 'closed' });
    await assert.rejects(calls.request('a', Buffer.alloc(0), { timeout: 1000 }), { code: 'queue_full' });
    calls.close();
    await first;
  });
  test('an error that is not JSON of four strings is told as such', () => {
    for (const bad of ['', 'null', '[]', '{"code":"x"}', '{"kind":1,"code":"x","message":"","next_step":""}'])
      assert.equal(remoteError(Buffer.from(bad), 'r').code, 'error_malformed');
  });
});

describe('serving', () => {
  test('no more than `concurrency` run at a time, and a cancelled one that waits is not begun', async () => {
    const settled = [];
    const running = [];
    let most = 0;
    const service = new Service('a', (request) => new Promise((resolve) => {
      running.push([request, resolve]);
      most = Math.max(most, running.length);
    }), { concurrency: 2, settled: (job, reply) => settled.push([job.id, reply?.status]), failed: assert.fail });
    const jobs = [0, 1, 2, 3].map((id) => ({ id, request: { cancelled: id === 2 } }));
    jobs.forEach((job) => service.take(job));
    await new Promise(setImmediate);
    assert.equal(running.length, 2);
    for (let done = 0; done < 3; done += 1) {
      running.shift()[1]('x');
      await new Promise(setImmediate);
    }
    assert.equal(most, 2);
    assert.deepEqual(settled, [[0, 0], [2, undefined], [1, 0], [3, 0]]);
  });
  test('an error reply is JSON of four strings, whatever was thrown', () => {
    for (const thrown of [new Error('m'), 'text', undefined, { code: 'Not Snake', kind: 'odd', message: 7 }, new Error('x'.repeat(2 ** 21))]) {
      const story = JSON.parse(errorPayload(thrown));
      assert.deepEqual(Object.keys(story), ['kind', 'code', 'message', 'next_step']);
      assert.ok(Object.values(story).every((value) => typeof value === 'string'));
      assert.equal(story.code, 'handler_failed');
    }
  });
});

describe('subscriptions', () => {
  const open = () => {
    const released = [];
    const subscription = new Subscription('a', { processed: (token) => released.push(token), unsubscribe: async () => {} });
    subscription.confirmed = true;
    return { subscription, released };
  };
  test('credit is released as each item is taken, or dropped', async () => {
    const { subscription, released } = open();
    [1, 2, 3].forEach((token) => subscription.push(`m${token}`, token));
    assert.deepEqual(released, []);
    assert.equal((await subscription.next()).value, 'm1');
    assert.deepEqual(released, [1]);
    await subscription.return();
    assert.deepEqual(released, [1, 2, 3]);
    assert.ok((await subscription.next()).done);
  });
  test('takers that came first are served first', async () => {
    const { subscription } = open();
    const taken = Promise.all([subscription.next(), subscription.next()]);
    subscription.push('x', null);
    subscription.push('y', null);
    assert.deepEqual((await taken).map(({ value }) => value), ['x', 'y']);
  });
  test('lost sessions with nothing between them are one gap', async () => {
    const { subscription } = open();
    subscription.push('x', 1);
    subscription.sessionLost();
    subscription.sessionLost();
    subscription.push('y', 2);
    subscription.finish();
    const seen = [];
    for await (const item of subscription) seen.push(item.reason ?? item);
    assert.deepEqual(seen, ['x', 'session_lost', 'y']);
  });
  test('an error comes after what waited, once', async () => {
    const { subscription } = open();
    subscription.push('x', 1);
    subscription.finish(new Denied('no_permission', 'gone', 'a'));
    assert.equal((await subscription.next()).value, 'x');
    await assert.rejects(subscription.next(), Denied);
    assert.ok((await subscription.next()).done);
  });
});

describe('keys', () => {
  const home = mkdtempSync('/tmp/guild-node-');
  after(() => rmSync(home, { recursive: true, force: true }));
  const folder = join(home, 'keys/bot-7');
  const path = (file) => join(folder, file);
  const write = (file, text, mode) => {
    writeFileSync(path(file), text);
    chmodSync(path(file), mode);
  };
  mkdirSync(folder, { recursive: true });
  for (const file of ['bus.secret', 'bus.public', 'broker.public']) write(file, `${'86'.repeat(32)}\n`, 0o600);

  test('Z85 is that of ZeroMQ\'s RFC 32', () => assert.equal(z85(Buffer.from('864fd26fb559f75b', 'hex')), 'HelloWorld'));
  test('a name\'s three keys', async () => {
    const keys = await loadKeys(home, 'bot-7');
    assert.deepEqual(Object.keys(keys), ['secretKey', 'publicKey', 'brokerKey']);
    for (const key of Object.values(keys)) assert.equal(key, z85(Buffer.alloc(32, 0x86)));
  });
  test('a secret that group or others may read or write is refused', async () => {
    for (const mode of [0o640, 0o604, 0o620, 0o660]) {
      chmodSync(path('bus.secret'), mode);
      await assert.rejects(loadKeys(home, 'bot-7'), { name: 'KeysUnusable', code: 'secret_permissions' });
    }
    chmodSync(path('bus.secret'), 0o600);
  });
  test('a missing or malformed key is named, and never shown', async () => {
    await assert.rejects(loadKeys(home, 'nobody'), { code: 'secret_missing' });
    for (const text of ['', '86', `${'86'.repeat(32)}00`, 'z'.repeat(64)]) {
      write('bus.secret', text, 0o600);
      await assert.rejects(loadKeys(home, 'bot-7'), (error) => error.code === 'secret_format' && error.message === `${path('bus.secret')} is not 64 hex digits`);
    }
  });
});

describe('settings', () => {
  test('defaults, and what is refused', () => {
    const settings = settingsOf({ home: '/h', name: 'a' });
    assert.equal(settings.endpoint, 'ipc:///h/run/bus.sock');
    assert.equal(settings.creditBytes, 4 * 1024 * 1024);
    assert.equal(settingsOf({ home: '/h', name: 'a', endpoint: 'tcp://127.0.0.1:1' }).endpoint, 'tcp://127.0.0.1:1');
    const bad = { name_invalid: { name: '../a' }, home_missing: { home: '' }, home_too_long: { home: '/h'.repeat(60) },
      option_unknown: { creditByte: 1 }, option_invalid: { creditBytes: 1 } };
    for (const [code, options] of Object.entries(bad))
      assert.throws(() => settingsOf({ home: '/h', name: 'a', ...options }), (error) => error instanceof InvalidArgument && error.code === code, code);
  });
});

describe('small parts', () => {
  test('backoff stays within 50 ms and 2 s, grows, and starts over', () => {
    const most = new Backoff(() => 1);
    assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 8].map(() => most.next()), [50, 100, 200, 400, 800, 1600, 2000, 2000]);
    most.reset();
    assert.equal(most.next(), BACKOFF_MS_MIN);
    const least = new Backoff(() => 0);
    for (let tries = 0; tries < 10; tries += 1) assert.equal(least.next(), BACKOFF_MS_MIN);
    assert.equal(BACKOFF_MS_MAX, 2000);
  });
  test('a fifo gives back what went in, in order, over any mix of pushes and shifts', () => {
    const fifo = new Fifo();
    let [pushed, shifted] = [0, 0];
    for (let round = 0; round < 200; round += 1) {
      for (let count = (round * 7919) % 50; count > 0; count -= 1) fifo.push(pushed++);
      for (let count = (round * 104729) % 53; count > 0 && fifo.length > 0; count -= 1) {
        assert.equal(fifo.peek(), shifted);
        assert.equal(fifo.shift(), shifted++);
      }
      assert.equal(fifo.length, pushed - shifted);
    }
    assert.deepEqual(fifo.drain(), Array.from({ length: pushed - shifted }, (_, index) => shifted + index));
    assert.equal(fifo.shift(), undefined);
  });
  test('what cannot be written is refused', () => {
    const bad = [{ kind: 'DONE', topic: 'x'.repeat(251) }, { kind: 'DONE', number: -1n }, { kind: 'DONE', name: 'x'.repeat(65) }, { kind: 'ACK', count: 2 ** 32 }];
    for (const record of bad) assert.throws(() => encodeFrame([record]), RangeError);
    assert.equal(recordBytes({ kind: 'GOODBYE' }), 16);
  });
});
