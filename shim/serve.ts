// Serves one container: the shim from its start to its end. No effect on import, so that a process that has everything
// loaded can fork and call it.
import { chmodSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { armFailpoint, failpoint } from '../src/base/failpoint.js';
import type { Log } from '../src/base/log.js';
import { messageOf } from '../src/domain/errors.js';
import { exitJournalName } from '../src/domain/exit-journal.js';
import { checkId } from '../src/domain/ids.js';
import { becomeSubreaper } from '../src/linux/subreaper.js';
import { serveTtrpc, type TtrpcServer } from '../src/ttrpc/server.js';
import { ExitJournal } from './exit-journal.js';
import { guardLifetime } from './lifetime.js';
import { ShimLog } from './log.js';
import { Reaper } from './reaper.js';
import { newShimId } from './shim-id.js';
import { shimService } from './shim-service.js';
import { Task } from './task.js';
import { type TaskMethods, taskServices } from './task-service.js';
import { version } from './version.js';

export interface ShimOptions {
  readonly namespace: string;
  readonly id: string;
  /** Made by the daemon; the shim works in it. */
  readonly bundle: string;
  readonly debug: boolean;
}

/** What a shim says of itself once it serves. */
export interface Hello {
  readonly pid: number;
  readonly shimId: string;
  /** Relative to the bundle. */
  readonly socket: string;
}

/** What a shim makes of its calls and of its end where somebody else than berthd has started it. */
export interface ShimHost {
  /** Where to listen. */
  readonly socket: string;
  readonly extend: (parts: ShimParts) => {
    readonly methods: (methods: TaskMethods) => TaskMethods;
    readonly beforeEnd: () => Promise<void>;
  };
}

export interface ShimParts {
  readonly namespace: string;
  readonly journal: ExitJournal;
  readonly log: Log;
}

/** Relative, so that the path of a socket in a long bundle still fits; the bundle is the working directory. */
const socketName = 'shim.sock';
const pidFileName = 'shim.pid';
/** The answer to Shutdown and whatever else is being answered gets so long to leave. */
const shutdownDrainMs = 1000;

/** Resolves once the shim serves; the process then lives until it is shut down. */
export async function serveShim(options: ShimOptions, host?: ShimHost): Promise<Hello> {
  armFailpoint(process.env['BERTH_FAILPOINT']);
  checkId('namespace', options.namespace);
  checkId('container id', options.id);
  const bundle = resolve(options.bundle);
  process.chdir(bundle);
  becomeSubreaper();
  const { namespace, id } = options;
  const shimId = newShimId();
  const log = new ShimLog({ verbose: options.debug, fields: { namespace, containerId: id } });
  const journal = new ExitJournal(exitJournalName, log);
  const reaper = new Reaper((ended) => task.current?.onEnded(ended));
  const task = new Task({ namespace, id, bundle, reaper, journal, log });
  const extension = host?.extend({ namespace, journal, log });
  const socket = host?.socket ?? socketName;
  const identity = { shimId, version, namespace, containerId: id };

  const server = serveTtrpc({
    services: [
      ...taskServices(task, { version, onShutdown: () => void end(0), extend: extension?.methods }),
      shimService({ task, journal, identity }),
    ],
    onError: (error) => log.error('a call failed unexpectedly', { error: messageOf(error) }),
  });
  const listener = await listen(server, socket);
  const end = async (code: number): Promise<void> => {
    log.info('shim ends');
    await extension?.beforeEnd();
    listener.close();
    await server.close({ drainTimeoutMs: shutdownDrainMs });
    process.exit(code);
  };
  reaper.start();
  guardLifetime({ task, log, end: (code) => void end(code) });
  failpoint('shim.listening');
  writeFileSync(pidFileName, `${process.pid}\n`, { mode: 0o600 });
  failpoint('shim.serving');
  log.info('shim serves', { shimId, pid: process.pid });
  return { pid: process.pid, shimId, socket };
}

async function listen(server: TtrpcServer, path: string): Promise<Server> {
  const listener = createServer((socket) => server.accept(socket));
  removeStale(path);
  listener.listen(path);
  await once(listener, 'listening');
  chmodSync(path, 0o600);
  return listener;
}

/** The daemon starts one shim per bundle, after it has made sure of the one before: what lies here is dead. */
function removeStale(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Nothing there: the usual case.
  }
}
