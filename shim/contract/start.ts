// The action `start`: this process becomes the shim that containerd has asked for, and then says where it listens. The
// launcher has put it into the background, and hands the answer on.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { becomeSessionLeader } from '../../src/linux/session.js';
import type { ShimFlags } from '../flags.js';
import { serveShim, type ShimParts } from '../serve.js';
import { socketPath, startAnswer } from './address.js';
import { EventFeed } from './event-feed.js';
import { EventPublisher } from './event-publisher.js';
import { takeLog } from './log-fifo.js';
import { publishCalls } from './publish-calls.js';

/** containerd reads it when it has been restarted; newer ones keep a file of their own. */
const addressFileName = 'address';
/** On the way out: containerd does not wait for it. */
const eventsDrainMs = 5000;

/** Resolves with the answer for containerd once the shim serves. The working directory is the bundle. */
export async function startForContainerd(flags: ShimFlags, env: NodeJS.ProcessEnv): Promise<string> {
  const { namespace, id, address, debug } = flags;
  const ttrpcAddress = (env['TTRPC_ADDRESS'] ?? '').replace(/^unix:\/\//, '');
  if (ttrpcAddress === '') throw new Error('TTRPC_ADDRESS is not set: containerd 1.4 or newer sets it');
  const bundle = flags.bundle === '' ? '.' : flags.bundle;
  becomeSessionLeader();
  process.title = `containerd-shim-berth-v2 -namespace ${namespace} -id ${id} -address ${address}`;
  process.chdir(bundle);
  takeLog('log');
  const socket = socketPath({ address, namespace, id });
  mkdirSync(dirname(socket), { recursive: true, mode: 0o711 });
  await serveShim({ namespace, id, bundle, debug }, { socket, extend: (parts) => contract(parts, ttrpcAddress) });
  writeFileSync(addressFileName, `unix://${socket}`, { mode: 0o600 });
  return startAnswer(socket, env['MAX_SHIM_VERSION']);
}

function contract({ namespace, journal, log }: ShimParts, ttrpcAddress: string) {
  const publisher = new EventPublisher({ address: ttrpcAddress, namespace, log });
  const feed = new EventFeed(publisher, journal);
  return {
    methods: (methods: Parameters<typeof publishCalls>[0]) => publishCalls(methods, feed, namespace),
    beforeEnd: () => publisher.drain(eventsDrainMs),
  };
}
