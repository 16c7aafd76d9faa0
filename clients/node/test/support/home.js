// A home of its own for one test file: a temporary folder with keys, and the real broker. Programs
// come from the environment, as meson sets it: GUILD_BIN_BROKER, GUILD_BIN_GUILD.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const READY_MS_MAX = 20_000;

function program(variable) {
  const path = process.env[variable];
  if (!path) throw new Error(`${variable} is not set; run this test through meson test`);
  return path;
}

function writtenAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

export class TestHome {
  #broker = null;

  constructor() {
    // Not TMPDIR: it may be long, and a socket's path has 107 bytes.
    this.root = mkdtempSync('/tmp/guild-node-');
    this.run = join(this.root, 'run');
    mkdirSync(this.run, { mode: 0o700 });
    this.keys('init');
  }

  get environment() {
    // No other GUILD_ variable: each is a setting to the suite's programs.
    const others = Object.entries(process.env).filter(([name]) => !name.startsWith('GUILD_'));
    return { ...Object.fromEntries(others), GUILD_HOME: this.root };
  }

  keys(...words) {
    execFileSync(program('GUILD_BIN_GUILD'), ['keys', ...words], { env: this.environment, stdio: 'pipe' });
  }

  addClient(name) {
    this.keys('add', name, '--role', 'client');
  }

  config(toml) {
    writeFileSync(join(this.root, 'guild.toml'), toml);
  }

  /** Starts the broker; resolves once it has written its ready file. */
  async startBroker() {
    const ready = join(this.run, 'broker.ready');
    const log = join(this.root, 'broker.out');
    // A killed broker leaves its file behind; only a newer one counts.
    const before = writtenAt(ready);
    const out = openSync(log, 'a');
    const child = spawn(program('GUILD_BIN_BROKER'), [], { env: this.environment, stdio: ['ignore', out, out] });
    closeSync(out);
    this.#broker = child;
    await new Promise((resolve, reject) => {
      const watcher = watch(this.run);
      const finish = (settle, value) => {
        watcher.close();
        clearTimeout(timer);
        child.off('exit', ended);
        settle(value);
      };
      const check = () => {
        if (writtenAt(ready) > before) finish(resolve);
      };
      const ended = () => finish(reject, new Error(`the broker ended before it was ready:\n${readFileSync(log, 'utf8')}`));
      const timer = setTimeout(() => finish(reject, new Error('the broker did not become ready')), READY_MS_MAX);
      watcher.on('change', check);
      child.on('exit', ended);
      check();
    });
  }

  /** SIGSTOP and SIGCONT: a broker that is there, and does nothing. */
  signalBroker(signal) {
    this.#broker.kill(signal);
  }

  async killBroker() {
    const child = this.#broker;
    this.#broker = null;
    if (child === null || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async remove() {
    await this.killBroker();
    rmSync(this.root, { recursive: true, force: true });
  }
}
