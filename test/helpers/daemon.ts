// One daemon under test: berthd with a temporary root, state, socket, configuration and a namespace of its own.
// BERTH_TEST_SUBJECT=containerd puts the real containerd in its place, to check what the tests expect against it.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ChildProcess, spawn } from 'node:child_process';
import { Client, credentials } from '@grpc/grpc-js';
import { poll, withDeadline } from '../../src/base/deadline.js';
import { ContainersService } from '../../src/generated/containerd/services/containers/v1/containers.js';
import { LeasesService } from '../../src/generated/containerd/services/leases/v1/leases.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { readProcessStat } from '../../src/linux/process-info.js';
import { containerdSubject } from './containerd.js';
import { findProcesses } from './host-state.js';
import { type Baseline, cleanUp, cleanUpNow, takeBaseline, waitForNoLeaks } from './leaks.js';
import { type Program, type ProgramOptions, type ProgramResult, runProgram, startProgram } from './program.js';
import { makeBusyboxRootfs } from './rootfs.js';
import { callRpc, type Method, type RpcOptions, type RpcStream, streamRpc } from './rpc.js';

type Environment = Readonly<Record<string, string>>;

export interface DaemonOptions {
  readonly args?: readonly string[];
  /** Or what it is, given the test's own directory. */
  readonly env?: Environment | ((directory: string) => Environment);
  /** The text of its configuration file; empty where the test gives none. */
  readonly config?: string;
  /** Follows the configuration that the daemon has otherwise. */
  readonly addedConfig?: string;
}

/** How to start a daemon, and where it keeps things. */
export interface Subject {
  readonly command: readonly string[];
  readonly config: string;
  /** Directories that are empty when no task is left. */
  readonly taskDirectories: readonly string[];
}

const dist = resolve(import.meta.dirname, '../..');
export const projectRoot = resolve(dist, '..');
export const isContainerd = process.env['BERTH_TEST_SUBJECT'] === 'containerd';

/** A daemon that is not ready, or not gone, by then hangs. */
const startLimitMs = 60_000;
const stopLimitMs = 60_000;
/** Of starts that die at failpoints, one after the other. */
const maxDeathsAtStart = 5;

/** Starts berthd, or what BERTH_TEST_SUBJECT has in its place. */
export async function startBerthd(options: DaemonOptions = {}): Promise<TestDaemon> {
  return await startDaemon(isContainerd ? containerdSubject : berthSubject, options);
}

/** Finds Berth's shim on its PATH, as after `make install`, and what is in `directories`. */
export async function startContainerd(
  directories: readonly string[] = [],
  options: Pick<DaemonOptions, 'addedConfig'> = {},
): Promise<TestDaemon> {
  const path = [...directories, join(projectRoot, 'shim'), process.env['PATH'] ?? ''].join(':');
  return await startDaemon(containerdSubject, { ...options, env: { PATH: path } });
}

async function startDaemon(subjectOf: (daemon: TestDaemon) => Subject, options: DaemonOptions): Promise<TestDaemon> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-'));
  const daemon = new TestDaemon(directory, subjectOf, options);
  abandonAtExit(daemon);
  await daemon.prepare();
  await daemon.start();
  return daemon;
}

const daemons = new Set<TestDaemon>();
let isAbandonArmed = false;

/** The test runner ends a file that takes too long with SIGTERM; what it has on the host then goes with it. */
function abandonAtExit(daemon: TestDaemon): void {
  if (!isAbandonArmed) {
    isAbandonArmed = true;
    process.once('exit', () => {
      for (const left of daemons) cleanUpNow(left);
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(1));
  }
  daemons.add(daemon);
}

export class TestDaemon {
  readonly namespace = `t${randomBytes(4).toString('hex')}`;
  readonly root: string;
  readonly state: string;
  readonly socket: string;
  readonly rootfs: string;
  readonly #subject: Subject;
  readonly #options: DaemonOptions;
  #child: ChildProcess | undefined;
  #client: Client | undefined;
  #baseline: Baseline = { pids: new Set(), sockets: new Set() };

  constructor(
    readonly directory: string,
    subjectOf: (daemon: TestDaemon) => Subject,
    options: DaemonOptions,
  ) {
    this.#options = options;
    this.root = join(directory, 'root');
    this.state = join(directory, 'state');
    this.socket = join(this.state, 'berth.sock');
    this.rootfs = join(directory, 'rootfs');
    this.#subject = subjectOf(this);
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('the daemon is not running');
    return this.#child.pid;
  }

  /** By SIGKILL, its own at a failpoint or a test's. */
  get hasDied(): boolean {
    return this.#child?.signalCode === 'SIGKILL';
  }

  get logFile(): string {
    return join(this.directory, 'daemon.log');
  }

  get log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  async prepare(): Promise<void> {
    await mkdir(this.path('fifo'));
    const { config = this.#subject.config, addedConfig = '' } = this.#options;
    await writeFile(this.path('config.toml'), `${config}${addedConfig}`);
    await makeBusyboxRootfs(this.rootfs);
  }

  /** A path in the test's own directory, which goes away with the daemon. */
  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  /** `env` is for this run alone, as a failpoint is. */
  async start(env: Environment = {}): Promise<void> {
    for (let deaths = 0; !(await this.#startOnce(env)); deaths++) {
      if (deaths === maxDeathsAtStart) throw new Error('the daemon dies at every start');
    }
    this.#baseline = takeBaseline(this);
  }

  /** False when it died by SIGKILL, as at a failpoint. */
  async #startOnce(env: Environment): Promise<boolean> {
    this.launch(env);
    await poll(async () => (await this.#accepts()) || undefined, {
      limitMs: startLimitMs,
      intervalMs: 20,
      what: `the daemon to accept connections on ${this.socket}`,
    }).catch(async (error: unknown) => {
      if (this.hasDied) return;
      const { log } = this;
      await this.dispose().catch(() => undefined);
      throw new Error(`the daemon did not start; its log:\n${log}`, { cause: error });
    });
    return !this.hasDied;
  }

  /** Starts its process and waits for nothing. */
  launch(env: Environment = {}): void {
    const log = openSync(this.logFile, 'a');
    const [file = '', ...args] = this.#subject.command;
    this.#child = spawn(file, [...args, ...(this.#options.args ?? [])], {
      stdio: ['ignore', log, log],
      env: { ...process.env, BERTH_TEST_DIRECTORY: this.directory, ...this.#environment, ...env },
    });
    closeSync(log);
  }

  /** SIGTERM, and its exit code. */
  async stop(): Promise<number | null> {
    return await this.#end('SIGTERM');
  }

  async kill9(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Resolves when it has died by SIGKILL at a failpoint. */
  async died(): Promise<void> {
    const child = this.#child;
    const what = 'the daemon to die at its failpoint';
    await poll(() => child?.signalCode === 'SIGKILL' || undefined, { limitMs: stopLimitMs, intervalMs: 5, what });
    await this.#end('SIGKILL');
  }

  /** Ends the daemon with `signal` and starts it again on the same directories. */
  async restart(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.#end(signal);
    await this.start();
  }

  /** Runs `ctr` against this daemon to its end. */
  async ctr(args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
    return await this.startCtr(args, options).result();
  }

  startCtr(args: readonly string[], options: ProgramOptions = {}): Program {
    const [file = '', ...rest] = this.ctrCommand(args);
    return startProgram(file, rest, options);
  }

  /** The command line of `ctr` with this daemon's address and namespace; FIFOs go to the test's directory. */
  ctrCommand(args: readonly string[]): string[] {
    const verb = args[0] === 'run' ? 1 : /^(t|task|tasks) (start|exec)$/.test(args.slice(0, 2).join(' ')) ? 2 : 0;
    const fifos = verb === 0 ? [] : ['--fifo-dir', this.path('fifo')];
    const global = ['--address', this.socket, '--namespace', this.namespace];
    return ['ctr', ...global, ...args.slice(0, verb), ...fifos, ...args.slice(verb)];
  }

  /** Runs `berth` against this daemon to its end. */
  async berth(args: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
    const [file = '', ...rest] = this.berthCommand(args);
    return await runProgram(file, rest, options);
  }

  berthCommand(args: readonly string[]): string[] {
    const main = join(dist, 'bin/berth/main.js');
    return [process.execPath, main, '--address', this.socket, '--namespace', this.namespace, ...args];
  }

  async call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: RpcOptions = {},
  ): Promise<Response> {
    return await callRpc(this.client, method, request, { namespace: this.namespace, ...options });
  }

  stream<Request, Response>(method: Method<Request, Response>, request: Request, options: RpcOptions = {}) {
    const stream: RpcStream<Response> = streamRpc(this.client, method, request, {
      namespace: this.namespace,
      ...options,
    });
    return stream;
  }

  get client(): Client {
    this.#client ??= new Client(`unix:${this.socket}`, credentials.createInsecure(), {
      'grpc.initial_reconnect_backoff_ms': 20,
      // Else a new client takes over the connection that failed when the daemon was killed, and waits, or fails, as that does.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_reconnect_backoff_ms': 100,
    });
    return this.#client;
  }

  /** Throws with the list when anything but the daemon itself is left; removes it either way. */
  async checkLeaks(settleLimitMs?: number): Promise<void> {
    const baseline = this.#baselineNow();
    const leaks = await waitForNoLeaks(this, baseline, () => this.#findRecords(), settleLimitMs);
    if (leaks.length === 0) return;
    await this.#removeRecords();
    await cleanUp(this, baseline);
    throw new Error(`left behind:\n  ${leaks.join('\n  ')}`);
  }

  /** Resolves to the exit code of a daemon that somebody has asked to stop. */
  async ended(): Promise<number | null> {
    const child = this.#child;
    this.#child = undefined;
    this.#client?.close();
    this.#client = undefined;
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null;
    await withDeadline(once(child, 'exit'), stopLimitMs, 'the daemon to end');
    return child.exitCode;
  }

  /** Stops the daemon, checks that nothing at all is left, and removes its directory. */
  async dispose(): Promise<void> {
    const code = this.#child === undefined ? 0 : await this.#end('SIGTERM');
    const leaks = await waitForNoLeaks(this);
    await cleanUp(this);
    if (process.env['BERTH_TEST_LOG'] !== undefined) console.error(this.log);
    await rm(this.directory, { recursive: true, force: true });
    daemons.delete(this);
    if (leaks.length > 0) throw new Error(`left behind:\n  ${leaks.join('\n  ')}`);
    if (code !== 0) throw new Error(`the daemon ended with ${code} on SIGTERM`);
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    this.#client?.close();
    this.#client = undefined;
    const child = this.#child;
    if (child === undefined) return null;
    this.#child = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill(signal);
    try {
      await withDeadline(ended, stopLimitMs, `the daemon to end on ${signal}`);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
    return child.exitCode;
  }

  /** With the zygote that the daemon has now, if a test has killed the one it had. */
  #baselineNow(): Baseline {
    const ownZygotes = findProcesses(this).filter(
      ({ pid, command }) => command.includes('zygote') && readProcessStat(pid)?.parentPid === this.#child?.pid,
    );
    return { ...this.#baseline, pids: new Set([...this.#baseline.pids, ...ownZygotes.map(({ pid }) => pid)]) };
  }

  async #accepts(): Promise<boolean> {
    if (this.#child?.exitCode !== null) throw new Error(`the daemon ended with ${this.#child?.exitCode}`);
    if (this.hasDied) throw new Error('the daemon has died');
    const socket = connect(this.socket);
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }

  get #environment(): Environment {
    const { env = {} } = this.#options;
    return typeof env === 'function' ? env(this.directory) : env;
  }

  async #findRecords(): Promise<string[]> {
    if (this.#child === undefined) return [];
    const { containers } = await this.call(ContainersService.list, { filters: [] });
    const { tasks } = await this.call(TasksService.list, { filter: '' });
    const { leases } = await this.call(LeasesService.list, { filters: [] });
    return [
      ...containers.map(({ id }) => `container record ${id}`),
      ...tasks.map(({ containerId, id }) => `task record ${containerId || id}`),
      ...leases.map(({ id }) => `lease ${id}`),
      ...this.#subject.taskDirectories.flatMap(entries).map((path) => `in a task directory: ${path}`),
    ];
  }

  /** Best effort, so that the next test starts from nothing. */
  async #removeRecords(): Promise<void> {
    const quietly = async (work: Promise<unknown>) => await work.catch(() => undefined);
    const { containers } = await this.call(ContainersService.list, { filters: [] });
    for (const { id } of containers) {
      await quietly(this.call(TasksService.kill, { containerId: id, execId: '', signal: 9, all: true }));
      await quietly(this.call(TasksService.wait, { containerId: id, execId: '' }));
      await quietly(this.call(TasksService.delete, { containerId: id }));
      await quietly(this.call(ContainersService.delete, { id }));
    }
    const { leases } = await this.call(LeasesService.list, { filters: [] });
    for (const { id } of leases) await quietly(this.call(LeasesService.delete, { id, sync: false }));
    for (const path of this.#subject.taskDirectories) await rm(path, { recursive: true, force: true });
  }
}

function berthSubject(daemon: TestDaemon): Subject {
  const main = join(dist, 'bin/berthd/main.js');
  if (!existsSync(main)) throw new Error(`${main} is not there: run make build`);
  const paths = ['--config', daemon.path('config.toml'), '--root', daemon.root, '--state', daemon.state];
  return {
    command: [process.execPath, main, ...paths, '--address', daemon.socket, '--log-level', 'debug'],
    config: '',
    taskDirectories: ['tasks', 'runc'].map((name) => join(daemon.state, name, daemon.namespace)),
  };
}

function entries(path: string): string[] {
  try {
    return readdirSync(path).map((name) => join(path, name));
  } catch {
    return [];
  }
}
