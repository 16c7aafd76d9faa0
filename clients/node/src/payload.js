// What may be sent as a payload: bytes, or a string as UTF-8; at most 1 MiB.
import { InvalidArgument } from './errors.js';
import { PAYLOAD_BYTES_MAX } from './frames.js';

/**
 * The bytes are not copied: they must stay as they are until they are sent.
 * @param {string | Uint8Array} payload
 * @returns {Buffer}
 */
export function toBytes(payload) {
  const bytes = asBuffer(payload);
  if (bytes.length > PAYLOAD_BYTES_MAX)
    throw new InvalidArgument('payload_too_large', `a payload of ${bytes.length} bytes; the limit is 1 MiB`, 'send it in parts');
  return bytes;
}

function asBuffer(payload) {
  if (Buffer.isBuffer(payload)) return payload;
  if (typeof payload === 'string') return Buffer.from(payload, 'utf8');
  if (payload instanceof Uint8Array) return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  throw new InvalidArgument('payload_invalid', `a payload of type ${typeof payload}`, 'pass a string, a Buffer or a Uint8Array');
}
