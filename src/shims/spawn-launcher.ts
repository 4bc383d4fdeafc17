// Launches a shim as a fresh Node process, and waits for its hello on file descriptor 3.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { withDeadline } from '../base/deadline.js';
import { inheritNothing } from '../linux/inherit-nothing.js';
import { openShimLog } from './bundle.js';
import { launchError } from './launch-error.js';
import type { ShimLaunch, ShimLauncher } from './launcher.js';
import type { ShimIdentity } from './task-shim.js';

/** A Node start takes 50 to 200 ms; a machine under heavy load gets fifty times that. */
const helloTimeoutMs = 10_000;

type Hello = ShimIdentity | { readonly error: string };

export class SpawnLauncher implements ShimLauncher {
  readonly #shimMain: string;
  readonly #onSpawn: (child: ChildProcess) => void;

  /** `shimMain` is the path of the shim's built entry point; `onSpawn` is told of each process that libuv waits for. */
  constructor(shimMain: string, onSpawn: (child: ChildProcess) => void) {
    this.#shimMain = shimMain;
    this.#onSpawn = onSpawn;
  }

  async launch(request: ShimLaunch): Promise<ShimIdentity> {
    const child = await this.#start(request);
    try {
      const hello = await withDeadline(readHello(child), helloTimeoutMs, 'the hello of the shim');
      if ('error' in hello) throw new Error(hello.error);
      return { shimId: hello.shimId, pid: hello.pid };
    } catch (error) {
      child.kill('SIGKILL');
      throw await launchError(request, error);
    }
  }

  async #start(request: ShimLaunch): Promise<ChildProcess> {
    const log = await openShimLog(request.bundle);
    try {
      const flags = ['-namespace', request.namespace, '-id', request.id, '-bundle', request.bundle];
      if (request.debug) flags.push('-debug');
      inheritNothing();
      const child = spawn(process.execPath, [this.#shimMain, ...flags, 'serve'], {
        cwd: request.bundle,
        detached: true,
        stdio: ['ignore', log.fd, log.fd, 'pipe'],
      });
      this.#onSpawn(child);
      child.unref();
      await once(child, 'spawn');
      return child;
    } finally {
      await log.close();
    }
  }
}

async function readHello(child: ChildProcess): Promise<Hello> {
  const pipe = child.stdio[3];
  if (!(pipe instanceof Readable)) throw new TypeError('the hello pipe is missing');
  const line = await text(pipe);
  if (line === '') throw new Error('the shim ended before its hello');
  return JSON.parse(line) as Hello;
}
