// Who changed what: a line in the log for each call that may change something, with the client as the kernel or its
// certificate names it.
import type * as grpc from '@grpc/grpc-js';
import type { Log } from '../base/log.js';
import { messageOf } from '../domain/errors.js';
import type { Call } from './call.js';

/** RPCs that change nothing, by name; whatever is not known to be one is taken for a change. */
const readers = new Set(
  [
    ['Get', 'List', 'ListStream', 'ListPids', 'ListResources', 'ListStatuses', 'Info', 'Status', 'Stat', 'Usage'],
    ['Read', 'Mounts', 'Wait', 'Metrics', 'Version', 'Server', 'Plugins', 'PluginInfo', 'Subscribe', 'Head', 'Stream'],
    ['Explain', 'Verify', 'Launches', 'Shims', 'Storage', 'Inspect', 'Directories', 'Export'],
    ['GetMetadata', 'ListMetadata', 'ListMounts'],
  ].flat(),
);

/** What requests call the thing that they are about. */
const subjectFields = ['containerId', 'id', 'key', 'name', 'ref', 'digest', 'execId'] as const;

type Peer = Pick<grpc.ServerUnaryCall<unknown, unknown>, 'getPeer' | 'getAuthContext'>;

export function isChange(path: string): boolean {
  return !readers.has(path.slice(path.lastIndexOf('/') + 1));
}

export function logChange(log: Log, peer: Peer, { call, request, error }: Change): void {
  const failure = error === undefined ? {} : { failed: messageOf(error) };
  log.info('change', { ...namespaceOf(call), ...subjectOf(request), client: clientOf(peer), ...failure });
}

export interface Change {
  readonly call: Call;
  /** Undefined for a stream of requests. */
  readonly request: unknown;
  readonly error: unknown;
}

/** The process on a unix socket; address and certificate's name on TCP. */
export function clientOf(peer: Peer): string {
  const { sslPeerCertificate: certificate } = peer.getAuthContext();
  const name = certificate?.subject?.CN;
  return name === undefined ? peer.getPeer() : `${peer.getPeer()}, ${String(name)}`;
}

function namespaceOf(call: Call): { readonly namespace?: string } {
  const namespace = call.namespaceHeader();
  return namespace === '' ? {} : { namespace };
}

function subjectOf(request: unknown): Record<string, string> {
  if (typeof request !== 'object' || request === null) return {};
  const outer = request as Record<string, unknown>;
  const inner = ['container', 'image', 'namespace']
    .map((name) => outer[name])
    .filter((value) => typeof value === 'object');
  const fields = Object.assign({}, outer, ...inner) as Record<string, unknown>;
  return Object.fromEntries(
    subjectFields.flatMap((name) => {
      const value = fields[name];
      return typeof value === 'string' && value !== '' ? [[name, value]] : [];
    }),
  );
}
