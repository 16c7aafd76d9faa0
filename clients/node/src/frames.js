// Frames and records of the bus protocol, version 1 (docs/protocol.md): bytes to objects and back.
// Pure: no state, no I/O. Unsigned 64-bit numbers are BigInt, all others Number; payloads and items
// are Buffers that view the frame they came in. What does not parse throws MalformedFrame.
import { isUtf8 } from 'node:buffer';

import { MalformedFrame } from './errors.js';

export const PROTOCOL_VERSION = 1;
export const HEADER_BYTES = 16;
export const ITEM_HEADER_BYTES = 4;
export const TOPIC_BYTES_MAX = 250;
export const NAME_BYTES_MAX = 64;
export const PAYLOAD_BYTES_MAX = 1024 * 1024;
export const FRAME_BYTES_MAX = 1280 * 1024;
export const ACK_WANTED = 1;
export const STATUS_OK = 0;
export const STATUS_ERROR = 1;

const LENGTH_BYTES = 4;
const INSTANCE_BYTES = 16;

const u8 = { size: 1, get: (bytes, at) => bytes[at], put: (bytes, value, at) => bytes.writeUInt8(value, at) };
const u16 = { size: 2, get: (bytes, at) => bytes.readUInt16LE(at), put: (bytes, value, at) => bytes.writeUInt16LE(value, at) };
const u32 = { size: 4, get: (bytes, at) => bytes.readUInt32LE(at), put: (bytes, value, at) => bytes.writeUInt32LE(value, at) };
const u64 = { size: 8, get: (bytes, at) => bytes.readBigUInt64LE(at), put: (bytes, value, at) => bytes.writeBigUInt64LE(value, at) };
const instance = {
  size: INSTANCE_BYTES,
  get: (bytes, at) => bytes.subarray(at, at + INSTANCE_BYTES),
  put: (bytes, value, at) => value.copy(bytes, at),
};
const status = {
  size: 1,
  get(bytes, at) {
    if (bytes[at] > STATUS_ERROR) throw new MalformedFrame(`a status of ${bytes[at]}`);
    return bytes[at];
  },
  put: u8.put,
};

// What may follow the fixed part of a body: its key in the record, its size, and how it is read and
// written.
const nothing = {
  size: () => 0,
  read(_record, body) {
    if (body.length > 0) throw new MalformedFrame(`${body.length} bytes after the record's body`);
  },
  write: (_record, _bytes, at) => at,
};
const payload = {
  size: (record) => record.payload.length,
  read(record, body) {
    if (body.length > PAYLOAD_BYTES_MAX) throw new MalformedFrame('a payload over 1 MiB');
    record.payload = body;
  },
  write: (record, bytes, at) => at + record.payload.copy(bytes, at),
};
const items = {
  size: (record) => itemsBytes(record.items),
  read(record, body) {
    record.items = readItems(body);
  },
  write: (record, bytes, at) => writeItems(record.items, bytes, at),
};
const reason = {
  size: (record) => record.reason.length,
  read(record, body) {
    record.reason = body.toString('latin1');
  },
  write: (record, bytes, at) => at + bytes.write(record.reason, at, 'latin1'),
};
const names = {
  size: (record) => record.names.join('\n').length,
  read(record, body) {
    record.names = body.length === 0 ? [] : body.toString('latin1').split('\n');
  },
  write: (record, bytes, at) => at + bytes.write(record.names.join('\n'), at, 'latin1'),
};

const CLIENT_KINDS = [
  ['HELLO', 1, [['version', u16], ['flags', u16], ['creditMessages', u32], ['creditBytes', u64]], nothing],
  ['SUBSCRIBE', 2, [], nothing],
  ['UNSUBSCRIBE', 3, [], nothing],
  ['SERVE', 4, [], nothing],
  ['UNSERVE', 5, [], nothing],
  ['PUBLISH', 6, [['flags', u8]], items],
  ['REQUEST', 7, [['deadlineMs', u32]], payload],
  ['REPLY', 8, [['status', status]], payload],
  ['CREDIT', 9, [['messages', u32]], nothing],
  ['WATCH', 10, [], nothing],
  ['GOODBYE', 11, [], nothing],
  ['PING', 12, [], nothing],
  ['CANCEL', 13, [], nothing],
];
const BROKER_KINDS = [
  ['WELCOME', 65, [['version', u16], ['flags', u16], ['epoch', u32], ['instance', instance], ['payloadMax', u32],
    ['frameMax', u32], ['creditMessages', u32], ['creditBytes', u64]], nothing],
  ['REFUSED', 66, [['code', u8]], reason],
  ['DONE', 67, [], nothing],
  ['DENIED', 68, [['code', u8], ['count', u32]], reason],
  ['DELIVER', 69, [['time', u64], ['epoch', u32]], items],
  ['ACK', 70, [['count', u32]], nothing],
  ['GAP', 71, [['last', u64], ['count', u64], ['reason', u8]], nothing],
  ['CREDIT_GRANT', 72, [['messages', u32]], nothing],
  ['REQUEST_DELIVERY', 73, [['deadlineMs', u32], ['epoch', u32]], payload],
  ['REPLY_DELIVERY', 74, [['status', status]], payload],
  ['FAILED', 75, [['code', u8]], reason],
  ['PRESENCE', 76, [], names],
  ['PONG', 77, [], nothing],
  ['CANCELLED', 78, [], nothing],
];

function layoutsOf(rows) {
  return rows.map(([kind, number, fixed, tail]) => ({
    kind, number, fixed, tail, fixedBytes: fixed.reduce((sum, [, type]) => sum + type.size, 0),
  }));
}
const layouts = { client: layoutsOf(CLIENT_KINDS), broker: layoutsOf(BROKER_KINDS) };
const byName = new Map([...layouts.client, ...layouts.broker].map((layout) => [layout.kind, layout]));
const byNumber = {
  client: new Map(layouts.client.map((layout) => [layout.number, layout])),
  broker: new Map(layouts.broker.map((layout) => [layout.number, layout])),
};

const NO_BYTES = Buffer.alloc(0);

/** Bytes that `record` takes in a frame, its length field included: what credit counts. */
export function recordBytes(record) {
  const layout = byName.get(record.kind);
  return HEADER_BYTES + Buffer.byteLength(record.topic ?? '') + (record.name ?? '').length + layout.fixedBytes +
    layout.tail.size(record);
}

function itemsBytes(list) {
  let bytes = 0;
  for (const item of list) bytes += ITEM_HEADER_BYTES + item.length;
  return bytes;
}

function writeItems(list, bytes, start) {
  let at = start;
  for (const item of list) {
    at = bytes.writeUInt32LE(item.length, at);
    at += item.copy(bytes, at);
  }
  return at;
}

function readItems(body) {
  const list = [];
  let at = 0;
  while (at < body.length) {
    const start = at + ITEM_HEADER_BYTES;
    const end = start <= body.length ? start + body.readUInt32LE(at) : Infinity;
    if (end > body.length) throw new MalformedFrame('an item that is cut short');
    if (end - start > PAYLOAD_BYTES_MAX) throw new MalformedFrame('an item over 1 MiB');
    list.push(body.subarray(start, end));
    at = end;
  }
  if (list.length === 0) throw new MalformedFrame('a record without items');
  return list;
}

function checkHeader(kind, topicBytes, nameBytes) {
  if (topicBytes > TOPIC_BYTES_MAX) throw new RangeError(`${kind}: a topic of ${topicBytes} bytes, over 250`);
  if (nameBytes > NAME_BYTES_MAX) throw new RangeError(`${kind}: a name of ${nameBytes} bytes, over 64`);
}

function writeRecord(record, bytes, start, size) {
  const layout = byName.get(record.kind);
  const topic = record.topic ?? '';
  const name = record.name ?? '';
  const topicBytes = bytes.write(topic, start + HEADER_BYTES, 'utf8');
  checkHeader(record.kind, topicBytes, name.length);
  bytes.writeUInt32LE(size - LENGTH_BYTES, start);
  bytes[start + 4] = layout.number;
  bytes[start + 5] = topicBytes;
  bytes.writeUInt16LE(name.length, start + 6);
  bytes.writeBigUInt64LE(record.number ?? 0n, start + 8);
  let at = start + HEADER_BYTES + topicBytes;
  at += bytes.write(name, at, 'latin1');
  for (const [field, type] of layout.fixed) {
    type.put(bytes, record[field], at);
    at += type.size;
  }
  return layout.tail.write(record, bytes, at);
}

/**
 * One frame of `records`, in order.
 * @param {object[]} records
 * @returns {Buffer}
 */
export function encodeFrame(records) {
  const sizes = records.map(recordBytes);
  const bytes = Buffer.allocUnsafeSlow(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  records.forEach((record, index) => {
    at = writeRecord(record, bytes, at, sizes[index]);
  });
  return bytes;
}

function readTopic(bytes) {
  if (!isUtf8(bytes)) throw new MalformedFrame('a topic that is not UTF-8');
  return bytes.toString('utf8');
}

/** The record at `start`, and where the next one starts. */
function readRecord(frame, start, kinds) {
  const left = frame.length - start;
  if (left < HEADER_BYTES) throw new MalformedFrame('a header that is cut short');
  const size = LENGTH_BYTES + frame.readUInt32LE(start);
  if (size < HEADER_BYTES || size > left) throw new MalformedFrame(`a record of ${size} bytes where ${left} are left`);
  const layout = kinds.get(frame[start + 4]);
  if (layout === undefined) throw new MalformedFrame(`a record of kind ${frame[start + 4]}`);
  const topicBytes = frame[start + 5];
  const nameBytes = frame.readUInt16LE(start + 6);
  if (topicBytes > TOPIC_BYTES_MAX || nameBytes > NAME_BYTES_MAX) throw new MalformedFrame('a topic or name that is too long');
  const nameAt = start + HEADER_BYTES + topicBytes;
  const body = nameAt + nameBytes;
  if (body + layout.fixedBytes > start + size) throw new MalformedFrame(`${layout.kind}: a body that is too short`);
  const record = {
    kind: layout.kind,
    number: frame.readBigUInt64LE(start + 8),
    topic: topicBytes === 0 ? '' : readTopic(frame.subarray(start + HEADER_BYTES, nameAt)),
    name: nameBytes === 0 ? '' : frame.latin1Slice(nameAt, body),
    bytes: size,
  };
  let at = body;
  for (const [field, type] of layout.fixed) {
    record[field] = type.get(frame, at);
    at += type.size;
  }
  layout.tail.read(record, at === start + size ? NO_BYTES : frame.subarray(at, start + size));
  return { record, next: start + size };
}

/**
 * The records of a frame. Each has `kind`, `number`, `topic`, `name`, `bytes` (its size, as credit
 * counts it) and what its kind adds.
 * @param {Buffer} frame
 * @param {'client' | 'broker'} from who sent it: each direction has its own kinds
 * @returns {object[]}
 */
export function decodeFrame(frame, from) {
  if (frame.length > FRAME_BYTES_MAX) throw new MalformedFrame(`a frame of ${frame.length} bytes`);
  const kinds = byNumber[from];
  const records = [];
  for (let at = 0; at < frame.length;) {
    const { record, next } = readRecord(frame, at, kinds);
    records.push(record);
    at = next;
  }
  return records;
}
