// A real server: redis from the distribution's package, in a root filesystem made of its program and libraries.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { TasksService } from '../../src/generated/containerd/services/tasks/v1/tasks.js';
import { makeProgramRootfs } from '../helpers/rootfs.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

test('redis runs, answers on loopback, is executed in, survives a restart of the daemon, and stops', async () => {
  await makeProgramRootfs(daemon().path('redis'), ['redis-server', 'redis-cli']);
  const port = await freePort();
  const options = ['-d', '--net-host', '--rootfs', daemon().path('redis'), 'redis'];
  const command = ['/bin/redis-server', '--port', port, '--save', '', '--bind', '127.0.0.1', '--daemonize', 'no'];
  const started = await daemon().ctr(['run', ...options, ...command]);
  assert.equal(started.code, 0, started.stderr);
  await poll(async () => ((await ask(port, 'PING').catch(() => '')) === '+PONG' ? true : undefined), {
    limitMs: 10_000,
    intervalMs: 50,
    what: 'redis to answer',
  });
  assert.equal(await ask(port, 'SET berth moored'), '+OK');
  assert.equal(await cli(port, 'get', 'berth'), 'moored\n');
  await daemon().restart('SIGKILL');
  assert.equal(await cli(port, 'incr', 'restarts'), '1\n');
  assert.match(await ask(port, 'GET berth'), /^\$6/);
  assert.equal((await daemon().ctr(['tasks', 'kill', '-s', 'SIGTERM', 'redis'])).code, 0);
  const { exitStatus } = await daemon().call(TasksService.wait, { containerId: 'redis', execId: '' });
  assert.equal(exitStatus, 0, 'redis ends in order on SIGTERM');
  await assert.rejects(ask(port, 'PING'));
  assert.equal((await daemon().ctr(['tasks', 'rm', 'redis'])).code, 0);
  assert.equal((await daemon().ctr(['containers', 'rm', 'redis'])).code, 0);
});

let execs = 0;

/** What redis-cli, executed in the container, prints. */
async function cli(port: string, ...args: string[]): Promise<string> {
  execs += 1;
  const exec = ['tasks', 'exec', '--exec-id', `cli-${execs}`, 'redis', '/bin/redis-cli', '-p', port];
  const { stdout, stderr, code } = await daemon().ctr([...exec, ...args]);
  assert.equal(code, 0, stderr);
  return stdout;
}

/** The first line of redis's answer to an inline command. */
async function ask(port: string, command: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: Number(port) });
  try {
    await once(socket, 'connect');
    socket.write(`${command}\r\n`);
    const [answer] = await once(socket, 'data');
    return String(answer).split('\r\n')[0] ?? '';
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? String(address.port) : assert.fail('no port');
}
