// What Client.connect takes, with defaults, units and limits.
import { resolve } from 'node:path';

import { InvalidArgument } from './errors.js';
import { isClientName } from './topics.js';

/** A Unix socket's path holds 107 bytes. */
const SOCKET_PATH_BYTES_MAX = 107;

export const DEADLINE_MS_MAX = 600_000;

export const DEFAULTS = Object.freeze({
  /** For the first session; later ones are tried for until close(). */
  connectTimeout: 5000,
  /** What the broker may have in flight to us. */
  creditBytes: 4 * 1024 * 1024,
  creditMessages: 1024 * 1024,
  /** Publishes that wait to be sent. */
  queueBytesMax: 16 * 1024 * 1024,
  queueMessagesMax: 256 * 1024,
  /** Requests that wait for their answer. */
  requestsMax: 65536,
});

const LIMITS = {
  connectTimeout: [1, DEADLINE_MS_MAX],
  // The broker's own limit; and enough for one frame.
  creditBytes: [65536, 64 * 1024 * 1024],
  creditMessages: [1, 4_194_304],
  queueBytesMax: [1, 1024 * 1024 * 1024],
  queueMessagesMax: [1, 16 * 1024 * 1024],
  requestsMax: [1, 1024 * 1024],
};

export function checkRange(what, value, [least, most]) {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new InvalidArgument('option_invalid', `${what} is ${value}; it must be a whole number from ${least} to ${most}`, '');
}

function endpointOf(home, endpoint) {
  if (endpoint !== undefined) return endpoint;
  const path = resolve(home, 'run', 'bus.sock');
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX)
    throw new InvalidArgument('home_too_long', `${path} is longer than a socket's path can be`, 'use a home with a shorter path');
  return `ipc://${path}`;
}

/** @param {import('../index.d.ts').ConnectOptions} options */
export function settingsOf({ home = process.env.GUILD_HOME, name, endpoint, ...options }) {
  if (typeof home !== 'string' || home === '')
    throw new InvalidArgument('home_missing', 'no home is given', 'pass {home}, or set GUILD_HOME');
  if (!isClientName(name))
    throw new InvalidArgument('name_invalid', `${JSON.stringify(name)} is no client name`, 'use 1 to 64 of a-z 0-9 - _, a letter first');
  const settings = { home: resolve(home), name, endpoint: endpointOf(home, endpoint) };
  for (const option of Object.keys(options))
    if (!(option in DEFAULTS)) throw new InvalidArgument('option_unknown', `there is no option ${option}`, `known: ${Object.keys(DEFAULTS).join(', ')}`);
  for (const [option, limits] of Object.entries(LIMITS))
    settings[option] = checkRange(option, options[option] ?? DEFAULTS[option], limits);
  return settings;
}
