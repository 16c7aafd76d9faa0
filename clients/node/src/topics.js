// Names, topics and patterns (docs/protocol.md "Names, topics, patterns"). Pure.
import { TOPIC_BYTES_MAX } from './frames.js';

const LEVELS_MAX = 10;
const NAME = /^[a-z][a-z0-9_-]{0,63}$/;
// White space and control characters; with the u flag also a lone surrogate, which is no UTF-8.
const FORBIDDEN = /[\p{White_Space}\u0000-\u001f\u007f-\u009f\p{Surrogate}]/u;

export function isClientName(text) {
  return typeof text === 'string' && NAME.test(text);
}

function levelsOf(text) {
  if (typeof text !== 'string' || Buffer.byteLength(text) > TOPIC_BYTES_MAX || FORBIDDEN.test(text)) return null;
  const levels = text.split('/');
  return levels.length <= LEVELS_MAX && levels.every((level) => level !== '') ? levels : null;
}

export function isTopic(text) {
  return levelsOf(text) !== null && !text.includes('*');
}

export function isPattern(text) {
  const levels = levelsOf(text);
  if (levels === null) return false;
  const last = levels.length - 1;
  return levels.every((level, index) => !level.includes('*') || level === '*' || (level === '**' && index === last));
}

/**
 * A function that tells whether a valid topic matches `pattern`, which must be valid too.
 * @param {string} pattern
 * @returns {(topic: string) => boolean}
 */
export function matcher(pattern) {
  if (!pattern.includes('*')) return (topic) => topic === pattern;
  const levels = pattern.split('/');
  const rest = levels.at(-1) === '**';
  if (rest) levels.pop();
  return (topic) => {
    const given = topic.split('/');
    if (rest ? given.length <= levels.length : given.length !== levels.length) return false;
    return levels.every((level, index) => level === '*' || level === given[index]);
  };
}
