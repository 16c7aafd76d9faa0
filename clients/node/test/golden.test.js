// Every golden frame is read to what its description says, and written to the byte.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { MalformedFrame } from 'guildhall';
import { decodeFrame, encodeFrame, recordBytes } from 'guildhall/frames';

const frames = process.env.GUILD_GOLDEN_FRAMES ?? fileURLToPath(new URL('../../../tests/golden/frames', import.meta.url));
const read = (name) => readFileSync(`${frames}/${name}`);
const described = readdirSync(frames).filter((name) => name.endsWith('.json') && name !== 'malformed.json');

// Which of our fields are BigInt, by the protocol's words.
const WIDE = { HELLO: ['credit_bytes'], WELCOME: ['credit_bytes'], DELIVER: ['time'], GAP: ['last', 'count'] };

const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

function fieldOf(kind, name, value) {
  if (name === 'instance') return Buffer.from(value, 'hex');
  return WIDE[kind]?.includes(name) ? BigInt(value) : Number(value);
}

/** A record as our code has it, from its description. */
function recordOf({ kind, number, topic, name, fields = {}, items_hex, payload_hex, reason, names }) {
  const record = { kind, number: BigInt(number), topic, name };
  for (const [field, value] of Object.entries(fields)) record[camel(field)] = fieldOf(kind, field, value);
  if (items_hex !== undefined) record.items = items_hex.map((hex) => Buffer.from(hex, 'hex'));
  if (payload_hex !== undefined) record.payload = Buffer.from(payload_hex, 'hex');
  if (reason !== undefined) record.reason = reason;
  if (names !== undefined) record.names = names;
  return record;
}

test('the golden frames are here', () => assert.ok(described.length >= 28));

for (const name of described) {
  const { from, records } = JSON.parse(read(name));
  const bytes = read(name.replace('.json', '.bin'));
  const expected = records.map(recordOf);

  test(`${name} is read`, () => {
    const found = decodeFrame(bytes, from);
    const sizes = found.map((record) => record.bytes);
    assert.deepEqual(found.map(({ bytes: _, ...record }) => record), expected);
    assert.deepEqual(sizes, expected.map(recordBytes));
    assert.equal(sizes.reduce((sum, size) => sum + size, 0), bytes.length);
  });
  test(`${name} is written`, () => assert.deepEqual(encodeFrame(expected), bytes));
  test(`${name} is refused from the other side`, () => {
    assert.throws(() => decodeFrame(bytes, from === 'client' ? 'broker' : 'client'), MalformedFrame);
  });
  test(`${name} is refused wherever it is cut between two records`, () => {
    const ends = new Set([0]);
    let end = 0;
    for (const record of expected) ends.add((end += recordBytes(record)));
    for (let length = 0; length < bytes.length; length += 1)
      if (!ends.has(length)) assert.throws(() => decodeFrame(bytes.subarray(0, length), from), MalformedFrame, `at ${length}`);
  });
}

for (const { about, frame_hex } of JSON.parse(read('malformed.json'))) {
  test(`refused: ${about}`, () => {
    for (const from of ['client', 'broker']) assert.throws(() => decodeFrame(Buffer.from(frame_hex, 'hex'), from), MalformedFrame);
  });
}
