// Exec: further processes in the container, first only noted, then made by the runtime at Start.
import { closeSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failpoint } from '../src/base/failpoint.js';
import { BerthError, messageOf } from '../src/domain/errors.js';
import { unknownExitStatus } from '../src/domain/exit.js';
import { checkId } from '../src/domain/ids.js';
import type { Stdio } from '../src/domain/records.js';
import { nowNanos } from '../src/domain/time.js';
import { openMemoryFile } from '../src/linux/memory-file.js';
import type { ExecProcessRequest } from '../src/generated/containerd/task/v3/shim.js';
import type { Container } from './container.js';
import { ContainerProcess } from './container-process.js';
import { noticeFreezer } from './pause-container.js';
import { bringUp } from './runtime-process.js';
import { openProcessIo } from './stdio/process-io.js';

export class ExecProcess extends ContainerProcess {
  readonly spec: string;

  /** `spec` is the OCI process as JSON. */
  constructor(containerId: string, execId: string, stdio: Stdio, spec: string) {
    super({ containerId, execId }, stdio);
    this.spec = spec;
  }
}

/** Notes the exec; nothing runs before its start. */
export function addExec(container: Container, request: ExecProcessRequest): void {
  const { execId, stdin, stdout, stderr, terminal } = request;
  checkId('exec id', execId);
  if (container.execs.has(execId)) {
    throw new BerthError('already-exists', `exec ${execId} of task ${container.id} already exists`);
  }
  refuseUnlessAlive(container);
  const spec = execSpec(request);
  failpoint('shim.exec-begun');
  container.execs.set(execId, new ExecProcess(container.id, execId, { stdin, stdout, stderr, terminal }, spec));
}

export async function startExec(container: Container, exec: ExecProcess): Promise<void> {
  if (exec.state !== 'created')
    throw new BerthError('failed-precondition', `cannot start ${exec.label}: ${exec.state}`);
  noticeFreezer(container);
  refuseUnlessAlive(container);
  container.startingExecs++;
  try {
    await makeExec(container, exec);
  } catch (error) {
    // It will never run; who waits for it must not wait for ever. No exit is told, since nothing was started.
    exec.markEnded({
      pid: 0,
      status: unknownExitStatus,
      signal: 0,
      exitedAt: nowNanos(),
      provenance: 'unknown',
      oomKilled: false,
    });
    throw error;
  } finally {
    container.startingExecs--;
  }
}

async function makeExec(container: Container, exec: ExecProcess): Promise<void> {
  const { runc, reaper, ioHost, log, bundle } = container.parts;
  const { execId } = exec.names;
  const pidFile = `exec-${execId}.pid`;
  // It holds the environment, secrets included: on no disk, and gone once the runtime has read it.
  const spec = openMemoryFile('exec-spec');
  try {
    writeFileSync(spec.fd, exec.spec);
    const io = openProcessIo({ stdio: exec.stdio, ...ioHost, log });
    const console = io.consoleSocket === undefined ? {} : { consoleSocket: io.consoleSocket };
    failpoint('shim.exec-start-begun');
    await bringUp(reaper, {
      process: exec,
      io,
      pidFile: join(bundle, pidFile),
      make: () => runc.exec(container.id, { processFile: spec.path, pidFile, ...console }, io.descriptors),
      onBorn: () => {
        exec.step('start');
        container.adopt(exec);
      },
    });
  } finally {
    closeSync(spec.fd);
  }
}

function refuseUnlessAlive(container: Container): void {
  if (container.initEnded || container.init.state === 'stopped') {
    throw new BerthError('failed-precondition', `task ${container.id}: its init process is not running`);
  }
  if (container.init.state === 'paused' || container.init.state === 'pausing') {
    throw new BerthError('failed-precondition', `cannot exec in task ${container.id}: ${container.init.state}`);
  }
}

/** The request's terminal flag rules over the spec's, as in containerd. */
function execSpec(request: ExecProcessRequest): string {
  try {
    const value: unknown = JSON.parse(Buffer.from(request.spec?.value ?? []).toString());
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('not an object');
    return JSON.stringify({ ...value, terminal: request.terminal });
  } catch (error) {
    throw new BerthError('invalid-argument', `the spec of exec ${request.execId} is no process: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
