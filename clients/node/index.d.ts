/// <reference types="node" />
import { EventEmitter } from 'node:events';

export interface ConnectOptions {
  /** The suite's home; default: $GUILD_HOME. */
  home?: string;
  /** The client's name: its keys are in `<home>/keys/<name>`. */
  name: string;
  /** Default: `ipc://<home>/run/bus.sock`. */
  endpoint?: string;
  /** For the first session, in ms; default 5000. */
  connectTimeout?: number;
  /** What the broker may have in flight to this client; default 4 MiB. */
  creditBytes?: number;
  /** Default 1,048,576. */
  creditMessages?: number;
  /** Publishes that may wait to be sent; default 16 MiB. */
  queueBytesMax?: number;
  /** Publishes that may wait to be sent or acked; default 262,144. */
  queueMessagesMax?: number;
  /** Requests that may wait for their answer; default 65,536. */
  requestsMax?: number;
}

export interface Message {
  kind: 'message';
  topic: string;
  /** The publisher's name, as the broker knows it from its key. */
  sender: string;
  /** Of the publisher's session. */
  sequence: bigint;
  /** When the broker accepted it: nanoseconds since 1970 UTC. */
  time: bigint;
  /** Of the permission list. */
  epoch: number;
  /** Views the frame it came in, up to 1.25 MiB: copy it to keep it for long. */
  payload: Buffer;
}

/** Messages are missing at this place. */
export type Gap =
  | { kind: 'gap'; reason: 'session_lost'; topic: null; sender: null; first: null; last: null; count: null }
  | { kind: 'gap'; reason: string; topic: string; sender: string; first: bigint; last: bigint; count: bigint };

export interface Subscription extends AsyncIterableIterator<Message | Gap> {
  readonly pattern: string;
  /** How many wait to be taken. */
  readonly size: number;
  close(): Promise<void>;
}

export interface Request {
  readonly topic: string;
  /** The requester's name, as the broker knows it. */
  readonly sender: string;
  readonly payload: Buffer;
  /** What was left when it came, in ms. */
  readonly deadlineMs: number;
  readonly epoch: number;
  readonly cancelled: boolean;
  /** Aborted when the answer is no longer wanted. */
  readonly signal: AbortSignal;
}

export type Payload = string | Uint8Array;
export type Handler = (request: Request) => Payload | void | Promise<Payload | void>;

export interface Service {
  readonly pattern: string;
  close(): Promise<void>;
}

export type SessionEvent =
  | { state: 'up'; name: string; session: number; epoch: number; instance: string }
  | { state: 'down'; error: Error; retryMs: number };

export class Client extends EventEmitter {
  private constructor();
  /** Rejects with NotAuthorized, WrongServerKey, BrokerUnreachable, SessionRefused, KeysUnusable or InvalidArgument. */
  static connect(options: ConnectOptions): Promise<Client>;
  readonly name: string;
  readonly connected: boolean;
  publish(topic: string, payload: Payload, options?: { ack?: false }): Promise<void>;
  publish(topic: string, payload: Payload, options: { ack: true }): Promise<{ sequence: bigint }>;
  subscribe(pattern: string): Promise<Subscription>;
  /** `timeout` in ms, 1 to 600,000; default 10,000. */
  request(topic: string, payload?: Payload, options?: { timeout?: number; signal?: AbortSignal }): Promise<Buffer>;
  /** `concurrency`: how many requests are handled at a time; default 64. */
  serve(pattern: string, handler: Handler, options?: { concurrency?: number }): Promise<Service>;
  /** `timeout` in ms; default 1000. `unsent`: publishes that never left. */
  close(options?: { timeout?: number }): Promise<{ unsent: number }>;

  on(event: 'session', listener: (event: SessionEvent) => void): this;
  on(event: 'denied', listener: (error: Denied) => void): this;
  on(event: 'fault', listener: (error: unknown) => void): this;
  once(event: 'session', listener: (event: SessionEvent) => void): this;
  once(event: 'denied', listener: (error: Denied) => void): this;
  once(event: 'fault', listener: (error: unknown) => void): this;
}

export class GuildError extends Error {
  constructor(code: string, message: string, nextStep?: string);
  /** Stable, snake_case. */
  readonly code: string;
  readonly nextStep: string;
}
export class InvalidArgument extends GuildError {}
export class KeysUnusable extends GuildError {}
export class BrokerUnreachable extends GuildError {}
export class NotAuthorized extends GuildError {}
export class WrongServerKey extends GuildError {}
export class SessionRefused extends GuildError {}
export class SessionLost extends GuildError {}
export class MalformedFrame extends GuildError {}
export class Denied extends GuildError {
  readonly topic: string;
  /** Of the items of a publish; 0 for all else. */
  readonly count: number;
}
export class UnknownOutcome extends GuildError {}
export class QueueFull extends GuildError {}
export class Closed extends GuildError {}
export class NoResponder extends GuildError {}
export class ResponderGone extends GuildError {}
export class TimedOut extends GuildError {}
export class RequestFailed extends GuildError {}
export class Aborted extends GuildError {}
export type RemoteKind =
  | 'failed' | 'invalid' | 'not_found' | 'denied' | 'timeout' | 'funds' | 'conflict' | 'exhausted' | 'unavailable';
export class RemoteError extends GuildError {
  constructor(story: { kind?: RemoteKind; code: string; message: string; nextStep?: string });
  readonly kind: RemoteKind;
}
