// A client's keys, from the keys/ folder of a home: bus.secret, bus.public and broker.public in the
// folder of its name, each 32 bytes in hex. A secret that others may read is refused.
import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { KeysUnusable } from './errors.js';

const KEY_HEX = /^[0-9a-f]{64}\n?$/;
const KEY_FILE_BYTES_MAX = 65;
const OTHERS = 0o077;
const Z85_DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/**
 * Z85 (ZeroMQ RFC 32), the form in which ZeroMQ takes keys. The length is a multiple of 4.
 * @param {Buffer} bytes
 */
export function z85(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    const value = bytes.readUInt32BE(at);
    for (let power = 85 ** 4; power >= 1; power /= 85) text += Z85_DIGITS[Math.floor(value / power) % 85];
  }
  return text;
}

function unreadable(path, error) {
  if (error.code === 'ENOENT')
    return new KeysUnusable('secret_missing', `${path} does not exist`, 'guild keys add NAME --role ROLE, or set the right home');
  return new KeysUnusable('secret_missing', `${path} cannot be read: ${error.message}`, 'run as the owner of the home');
}

async function readKey(path, isSecret) {
  const file = await open(path).catch((error) => {
    throw unreadable(path, error);
  });
  try {
    const { mode } = await file.stat();
    if (isSecret && (mode & OTHERS) !== 0)
      throw new KeysUnusable('secret_permissions', `${path} is readable or writable by others (mode ${(mode & 0o777).toString(8)})`,
        `chmod 600 ${path}; make a new key if somebody may have read it`);
    // One byte more than a key's file has, so that a longer one shows.
    const { bytesRead, buffer } = await file.read(Buffer.alloc(KEY_FILE_BYTES_MAX + 1), 0, KEY_FILE_BYTES_MAX + 1, 0);
    const text = buffer.latin1Slice(0, bytesRead);
    if (!KEY_HEX.test(text)) throw new KeysUnusable('secret_format', `${path} is not 64 hex digits`, 'restore it, or make a new key');
    return z85(Buffer.from(text.trim(), 'hex'));
  } finally {
    await file.close();
  }
}

/**
 * The keys of `name` in the home at `home`, as Z85.
 * @param {string} home
 * @param {string} name a valid client name
 */
export async function loadKeys(home, name) {
  const folder = join(home, 'keys', name);
  return {
    secretKey: await readKey(join(folder, 'bus.secret'), true),
    publicKey: await readKey(join(folder, 'bus.public'), false),
    brokerKey: await readKey(join(folder, 'broker.public'), false),
  };
}
