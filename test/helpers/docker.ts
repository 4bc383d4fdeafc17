// Docker's own daemon with the daemon under test in the place of its containerd, and its HTTP API.
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { poll, withDeadline } from '../../src/base/deadline.js';
import type { TestDaemon } from './daemon.js';

/** On a machine that does other things besides. */
const startLimitMs = 60_000;
const stopLimitMs = 60_000;
/** Of a frame of a container's output: which stream, and how many bytes follow. */
const frameHeaderBytes = 8;

export interface DockerKind {
  /** `dockerd`, or its path. */
  readonly program: string;
  /** Its images are in the daemon under test, as content and snapshots; else in its own store. */
  readonly isImageStore: boolean;
}

export class Docker {
  readonly #directory: string;
  readonly #child: ChildProcess;

  private constructor(directory: string, child: ChildProcess) {
    this.#directory = directory;
    this.#child = child;
  }

  /** Its files are beside the test daemon's, not below: what is there after a test counts as left behind. */
  static async start(daemon: TestDaemon, { program, isImageStore }: DockerKind): Promise<Docker> {
    const directory = await mkdtemp(join(tmpdir(), 'docker-'));
    // In the place of the machine's own.
    const features = { 'containerd-snapshotter': isImageStore };
    await writeFile(join(directory, 'daemon.json'), JSON.stringify(isImageStore ? { features } : {}));
    await symlink(daemon.socket, join(directory, 'containerd.sock'));
    const log = openSync(join(directory, 'log'), 'a');
    const options = {
      containerd: join(directory, 'containerd.sock'),
      'containerd-namespace': daemon.namespace,
      'containerd-plugins-namespace': `${daemon.namespace}-plugins`,
      'data-root': join(directory, 'data'),
      'exec-root': join(directory, 'exec'),
      pidfile: join(directory, 'pid'),
      'config-file': join(directory, 'daemon.json'),
      host: `unix://${join(directory, 'docker.sock')}`,
      'cgroup-parent': `/${basename(directory)}`,
      'storage-driver': isImageStore ? 'overlayfs' : 'vfs',
      bridge: 'none',
      iptables: 'false',
      ip6tables: 'false',
    };
    const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
    const child = spawn(program, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    const docker = new Docker(directory, child);
    // Should nobody stop it, it goes with this process.
    process.once('exit', () => {
      if (!existsSync(directory)) return;
      child.kill('SIGKILL');
      // dockerd mounts it on itself.
      spawnSync('umount', ['--lazy', join(directory, 'data')], { stdio: 'ignore' });
      rmSync(directory, { recursive: true, force: true });
    });
    await poll(async () => ((await docker.#answers()) ? true : undefined), {
      limitMs: startLimitMs,
      intervalMs: 50,
      what: 'dockerd to answer',
    }).catch((error: unknown) => {
      throw new Error(`dockerd did not start:\n${readFileSync(join(directory, 'log'), 'utf8')}`, { cause: error });
    });
    return docker;
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await withDeadline(ended, stopLimitMs, 'dockerd to end');
    for (const path of cgroupsNamed(basename(this.#directory))) rmdirSync(path);
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** A call that has to succeed, and what it answers. */
  async call(method: string, path: string, body?: object | Buffer): Promise<Buffer> {
    const { status, answer } = await this.#ask(method, path, body);
    if (status < 200 || status >= 300) throw new Error(`${method} ${path}: ${status} ${answer.toString()}`);
    return answer;
  }

  async json<T>(method: string, path: string, body?: object): Promise<T> {
    return JSON.parse((await this.call(method, path, body)).toString()) as T;
  }

  /** What a container has written, of both streams. */
  async output(id: string): Promise<string> {
    return textOfFrames(await this.call('GET', `/containers/${id}/logs?stdout=1&stderr=1`));
  }

  async #ask(method: string, path: string, body?: object | Buffer): Promise<{ status: number; answer: Buffer }> {
    const content = Buffer.isBuffer(body) ? body : Buffer.from(body === undefined ? '' : JSON.stringify(body));
    const type = Buffer.isBuffer(body) ? 'application/x-tar' : 'application/json';
    const headers = {
      host: 'docker',
      'content-type': type,
      'content-length': content.length,
      // Nothing, but a push must have it.
      'x-registry-auth': Buffer.from('{}').toString('base64'),
    };
    const call = request({ socketPath: join(this.#directory, 'docker.sock'), method, path, headers });
    call.end(content);
    const [found] = (await once(call, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of found as AsyncIterable<Buffer>) chunks.push(chunk);
    return { status: found.statusCode ?? 0, answer: Buffer.concat(chunks) };
  }

  async #answers(): Promise<boolean> {
    if (this.#child.exitCode !== null) throw new Error(`dockerd ended with ${this.#child.exitCode}`);
    try {
      await this.call('GET', '/_ping');
      return true;
    } catch {
      return false;
    }
  }
}

export function textOfFrames(frames: Buffer): string {
  const parts: Buffer[] = [];
  for (let at = 0; at + frameHeaderBytes <= frames.length; ) {
    const end = at + frameHeaderBytes + frames.readUInt32BE(at + frameHeaderBytes - 4);
    parts.push(frames.subarray(at + frameHeaderBytes, end));
    at = end;
  }
  return Buffer.concat(parts).toString();
}

/** In each hierarchy: dockerd leaves the parent of its containers' cgroups. */
function cgroupsNamed(name: string): string[] {
  const root = '/sys/fs/cgroup';
  return ['', ...readdirSync(root)].map((hierarchy) => join(root, hierarchy, name)).filter((path) => existsSync(path));
}
