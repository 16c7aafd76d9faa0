// Guildhall's bus for Node.js; see README.md.
export { Client } from './client.js';
export {
  Aborted, BrokerUnreachable, Closed, Denied, GuildError, InvalidArgument, KeysUnusable, MalformedFrame, NoResponder,
  NotAuthorized, QueueFull, RemoteError, RequestFailed, ResponderGone, SessionLost, SessionRefused, TimedOut,
  UnknownOutcome, WrongServerKey,
} from './errors.js';
