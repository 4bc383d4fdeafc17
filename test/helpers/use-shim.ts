// A built shim of its own for each test of a file, with a bundle, a ttrpc client and FIFOs; after each test nothing of it
// may be left on the host.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, beforeEach } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Options } from '../../src/generated/containerd/runc/v1/oci.js';
import { ShimDefinition } from '../../src/generated/berth/shim/v1/shim.js';
import { TaskDefinition, type CreateTaskRequest } from '../../src/generated/containerd/task/v3/shim.js';
import { makeFifo } from '../../src/linux/pipe.js';
import { dialTtrpc, type TtrpcConnection } from '../../src/ttrpc/client.js';
import type { Client } from '../../src/ttrpc/definition.js';
import { FifoReader, openFifoWriter } from './fifo-ends.js';
import { hasEnded, type TestScope } from './host-state.js';
import { cleanUp, waitForNoLeaks } from './leaks.js';
import { makeBusyboxRootfs } from './rootfs.js';

const shimMain = fileURLToPath(new URL('../../bin/shim/main.js', import.meta.url));
const connectTimeoutMs = 5000;
export const containerId = 'c1';

export interface SpecOptions {
  readonly args: readonly string[];
  readonly terminal?: boolean;
  readonly hostPid?: boolean;
  readonly root?: string;
  readonly noNewPrivileges?: boolean;
}

export class TestShim {
  readonly scope: TestScope;
  readonly bundle: string;
  readonly runcRoot: string;
  readonly #connections: TtrpcConnection[] = [];
  readonly #ends: Socket[] = [];
  task!: Client<typeof TaskDefinition>;
  shim!: Client<typeof ShimDefinition>;
  pid = 0;
  shimId = '';
  #child: ChildProcess | undefined;

  constructor(
    directory: string,
    readonly rootfs: string,
  ) {
    this.scope = { directory, namespace: basename(directory) };
    this.bundle = join(directory, 'bundle');
    this.runcRoot = join(directory, 'runc');
  }

  async launch(): Promise<void> {
    mkdirSync(this.bundle, { mode: 0o711 });
    const log = openSync(join(this.bundle, 'log'), 'a');
    const argv = ['-namespace', this.scope.namespace, '-id', containerId, '-bundle', this.bundle, '-debug', 'serve'];
    const child = spawn(process.execPath, [shimMain, ...argv], {
      cwd: this.bundle,
      detached: true,
      stdio: ['ignore', log, log, 'pipe'],
    });
    closeSync(log);
    this.#child = child;
    const pipe = child.stdio[3];
    assert.ok(pipe instanceof Readable);
    const line = await text(pipe);
    assert.notEqual(line, '', `the shim ended before its hello: ${this.log()}`);
    const hello = JSON.parse(line) as { pid: number; shimId: string; socket: string; error?: string };
    assert.equal(hello.error, undefined);
    this.pid = hello.pid;
    this.shimId = hello.shimId;
    const connection = await this.connect();
    this.task = connection.client(TaskDefinition);
    this.shim = connection.client(ShimDefinition);
  }

  async connect(): Promise<TtrpcConnection> {
    const connection = await dialTtrpc(join(this.bundle, 'shim.sock'), { timeoutMs: connectTimeoutMs });
    this.#connections.push(connection);
    return connection;
  }

  /** Resolves when the shim's process has ended. */
  async ended(): Promise<number | null> {
    const child = this.#child;
    assert.ok(child !== undefined);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode;
  }

  writeSpec(options: SpecOptions): void {
    writeFileSync(join(this.bundle, 'config.json'), JSON.stringify(this.#spec(options)));
  }

  /** A FIFO in the test's directory. */
  fifo(name: string): string {
    const path = join(this.scope.directory, name);
    makeFifo(path, 0o600);
    return path;
  }

  /** The reading end of an output FIFO, closed after the test. */
  reader(path: string): FifoReader {
    const reader = new FifoReader(path);
    this.#ends.push(reader.socket);
    return reader;
  }

  /** The writing end of a stdin FIFO, closed after the test. */
  writer(path: string): Socket {
    const writer = openFifoWriter(path);
    this.#ends.push(writer);
    return writer;
  }

  createRequest(fields: Partial<CreateTaskRequest> = {}): CreateTaskRequest {
    const options = Options.encode({ ...Options.decode(new Uint8Array()), root: this.runcRoot }).finish();
    return {
      id: containerId,
      bundle: this.bundle,
      rootfs: [],
      terminal: false,
      stdin: '',
      stdout: '',
      stderr: '',
      checkpoint: '',
      parentCheckpoint: '',
      options: { typeUrl: 'containerd.runc.v1.Options', value: Buffer.from(options) },
      ...fields,
    };
  }

  /** Writes the spec, creates and starts; gives the pid. */
  async run(args: readonly string[], fields: Partial<CreateTaskRequest> = {}, spec: Partial<SpecOptions> = {}) {
    this.writeSpec({ args, terminal: fields.terminal ?? false, ...spec });
    const { pid } = await this.task.create(this.createRequest(fields));
    await this.task.start({ id: containerId, execId: '' });
    return pid;
  }

  /** Adds and starts an exec; gives the pid. */
  async exec(execId: string, args: readonly string[], fields: object = {}): Promise<number> {
    await this.addExec(execId, args, fields);
    const { pid } = await this.task.start({ id: containerId, execId });
    return pid;
  }

  async addExec(execId: string, args: readonly string[], fields: object = {}): Promise<void> {
    const value = Buffer.from(JSON.stringify(processSpec(args, false)));
    const typeUrl = 'types.containerd.io/opencontainers/runtime-spec/1/Process';
    const streams = { terminal: false, stdin: '', stdout: '', stderr: '' };
    await this.task.exec({ id: containerId, execId, ...streams, ...fields, spec: { typeUrl, value } });
  }

  wait(execId = '') {
    return this.task.wait({ id: containerId, execId });
  }

  async status(execId = ''): Promise<number> {
    return (await this.task.state({ id: containerId, execId })).status;
  }

  kill(signal: number, execId = '', all = false) {
    return this.task.kill({ id: containerId, execId, signal, all });
  }

  delete(execId = '') {
    return this.task.delete({ id: containerId, execId });
  }

  log(): string {
    return readFileSync(join(this.bundle, 'log'), 'utf8');
  }

  /** Ends the shim however the test left it, and lists what it leaves behind. */
  async stop(): Promise<string[]> {
    if (this.#child !== undefined && !hasEnded(this.pid)) {
      await this.#deleteWhatIsLeft();
      await this.task.shutdown({ id: containerId, now: true }).catch(() => undefined);
      await this.ended();
    }
    for (const connection of this.#connections) await connection.close();
    for (const end of this.#ends) end.destroy();
    const leaks = await waitForNoLeaks(this.scope);
    await cleanUp(this.scope);
    return leaks;
  }

  async #deleteWhatIsLeft(): Promise<void> {
    await this.kill(9, '', true).catch(() => undefined);
    await this.wait().catch(() => undefined);
    await this.delete().catch(() => undefined);
  }

  #spec(options: SpecOptions): object {
    const types = ['ipc', 'uts', 'mount', ...(options.hostPid === true ? [] : ['pid'])];
    return {
      ociVersion: '1.0.2',
      process: { ...processSpec(options.args, options.terminal ?? false) },
      root: { path: options.root ?? this.rootfs, readonly: true },
      hostname: 'test',
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
        { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
        { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['size=8m'] },
      ],
      linux: {
        cgroupsPath: `/${this.scope.namespace}/${containerId}`,
        namespaces: types.map((type) => ({ type })),
      },
    };
  }
}

/** One shim for each test of the file that calls this. */
export function useShim(): () => TestShim {
  let shared = '';
  let current: TestShim | undefined;
  before(async () => {
    shared = await mkdtemp(join(tmpdir(), 'berth-shim-rootfs-'));
    await makeBusyboxRootfs(shared);
  });
  after(() => rm(shared, { recursive: true }));
  beforeEach(async () => {
    current = new TestShim(await mkdtemp(join(tmpdir(), 'berth-shim-')), shared);
    await current.launch();
  });
  afterEach(async () => {
    if (current === undefined) return;
    try {
      assert.deepEqual(await current.stop(), []);
    } finally {
      await rm(current.scope.directory, { recursive: true });
      current = undefined;
    }
  });
  return () => {
    assert.ok(current !== undefined);
    return current;
  };
}

function processSpec(args: readonly string[], terminal: boolean): object {
  const capabilities = ['CAP_KILL'];
  return {
    terminal,
    user: { uid: 0, gid: 0 },
    args,
    env: ['PATH=/bin', 'TERM=xterm'],
    cwd: '/',
    capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
  };
}
