// A real registry of this machine's package on loopback, filled by skopeo from OCI layouts; and a proxy before it that
// stalls, cuts off and lies as a test wants.
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChildProcess, spawn } from 'node:child_process';
import { poll } from '../../src/base/deadline.js';
import { runProgram } from './program.js';

const startLimitMs = 10_000;
/** Of a large image on a loaded machine. */
const pushLimitMs = 120_000;
/** Of `secret`, by bcrypt: the only kind that the registry takes. */
const secretHash = '$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a';

export class Registry {
  readonly #child: ChildProcess;

  private constructor(
    readonly directory: string,
    readonly port: number,
    child: ChildProcess,
  ) {
    this.#child = child;
  }

  /** With a password, only `berth` with `secret` may pull and push. */
  static async start({ withPassword = false } = {}): Promise<Registry> {
    const directory = await mkdtemp(join(tmpdir(), 'berth-registry-'));
    const port = await freePort();
    const config = join(directory, 'config.yml');
    const storage = join(directory, 'storage');
    const passwords = join(directory, 'htpasswd');
    await writeFile(passwords, `berth:${secretHash}\n`);
    const auth = withPassword ? `auth: {htpasswd: {realm: berth, path: ${passwords}}}\n` : '';
    await writeFile(
      config,
      `${auth}version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory: ${storage}}}\nhttp: {addr: '127.0.0.1:${port}'}\n`,
    );
    const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
    // Should nobody stop it, it goes with this process.
    process.once('exit', () => {
      child.kill('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    });
    const registry = new Registry(directory, port, child);
    await poll(async () => (await registry.#answers()) || undefined, {
      limitMs: startLimitMs,
      intervalMs: 20,
      what: 'the registry to answer',
    });
    return registry;
  }

  /** `127.0.0.1:PORT/NAME:TAG`. */
  reference(image: string): string {
    return `127.0.0.1:${this.port}/${image}`;
  }

  /** Copies an image, or an index with all its images, from an OCI layout. */
  async push(layout: string, image: string): Promise<void> {
    const args = ['--insecure-policy', 'copy', '--all', '--dest-tls-verify=false', `oci:${layout}`];
    const { code, stderr } = await runProgram('skopeo', [...args, `docker://${this.reference(image)}`], {
      limitMs: pushLimitMs,
    });
    if (code !== 0) throw new Error(`skopeo: ${stderr}`);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
    await rm(this.directory, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    try {
      const { status } = await fetch(`http://127.0.0.1:${this.port}/v2/`);
      return status === 200 || status === 401;
    } catch {
      return false;
    }
  }
}

/** What the proxy does to one answer: `chunk` may be changed, `undefined` cuts the connection. */
export type Tamper = (url: string, chunk: Buffer, position: number) => Buffer | undefined;

/** Hands requests on to the registry, and the answers back as `tamper` has them. */
export class RegistryProxy {
  readonly #server: Server;
  readonly requests: { readonly url: string; readonly range: string | undefined }[] = [];
  tamper: Tamper | undefined;

  private constructor(target: Registry) {
    this.#server = createServer((incoming, answer) => void this.#forward(target, incoming, answer));
  }

  static async start(target: Registry): Promise<RegistryProxy> {
    const proxy = new RegistryProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  reference(image: string): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}/${image}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #forward(target: Registry, incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { url = '/', method, headers } = incoming;
    if (method === 'GET') this.requests.push({ url, range: headers.range });
    const upstream = request({ host: '127.0.0.1', port: target.port, path: url, method, headers });
    upstream.end();
    const [found] = (await once(upstream, 'response')) as [IncomingMessage];
    answer.writeHead(found.statusCode ?? 500, found.headers);
    let position = 0;
    for await (const chunk of found as AsyncIterable<Buffer>) {
      const tampered = this.tamper === undefined ? chunk : this.tamper(url, chunk, position);
      position += chunk.length;
      if (tampered === undefined) {
        answer.destroy();
        return;
      }
      if (!answer.write(tampered)) await once(answer, 'drain');
    }
    answer.end();
  }
}

async function freePort(): Promise<number> {
  const probe = createTcpServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
