// The API over TCP: with certificates on both sides, or not at all.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, credentials } from '@grpc/grpc-js';
import { VersionService } from '../../src/generated/containerd/services/version/v1/version.js';
import { projectRoot, startBerthd, type TestDaemon } from '../helpers/daemon.js';
import { runProgram } from '../helpers/program.js';
import { callRpc } from '../helpers/rpc.js';

const main = join(projectRoot, 'dist/bin/berthd/main.js');

let certificates: string;
let address: string;
let daemon: TestDaemon;

before(async () => {
  certificates = await mkdtemp(join(tmpdir(), 'berth-tls-'));
  await makeAuthority('ours');
  await makeAuthority('foreign');
  await makeCertificate('server', 'ours', 'berthd');
  await makeCertificate('client', 'ours', 'orchestrator-7');
  await makeCertificate('stranger', 'foreign', 'stranger');
  address = `127.0.0.1:${await freePort()}`;
  daemon = await startBerthd({ args: ['--tcp-address', address, ...tlsFlags()] });
});

after(async () => {
  await daemon.dispose();
  await rm(certificates, { recursive: true, force: true });
});

function tlsFlags(): string[] {
  const [cert, key, ca] = ['server/cert.pem', 'server/key.pem', 'ours/ca.pem'].map((name) => join(certificates, name));
  return ['--tls-cert', cert ?? '', '--tls-key', key ?? '', '--tls-client-ca', ca ?? ''];
}

async function openssl(...args: string[]): Promise<void> {
  const { code, stderr } = await runProgram('openssl', args, { cwd: certificates });
  assert.equal(code, 0, stderr);
}

async function makeAuthority(name: string): Promise<void> {
  await runProgram('mkdir', [join(certificates, name)]);
  const files = ['-keyout', `${name}/ca-key.pem`, '-out', `${name}/ca.pem`];
  await openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    `/CN=${name}`,
    ...files,
  );
}

/** A directory as --tls-dir takes it. */
async function makeCertificate(name: string, authority: string, commonName: string): Promise<void> {
  await runProgram('mkdir', [join(certificates, name)]);
  await runProgram('cp', [join(certificates, 'ours/ca.pem'), join(certificates, name, 'ca.pem')]);
  const signed = ['-CA', `${authority}/ca.pem`, '-CAkey', `${authority}/ca-key.pem`];
  const files = ['-keyout', `${name}/key.pem`, '-out', `${name}/cert.pem`];
  const subject = ['-subj', `/CN=${commonName}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  await openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    ...signed,
    ...subject,
    ...files,
  );
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** `berth` as the holder of that certificate. */
async function berthAs(name: string, ...args: string[]) {
  const remote = ['--address', `tcp://${address}`, '--tls-dir', join(certificates, name)];
  const cli = join(projectRoot, 'dist/bin/berth/main.js');
  return await runProgram(process.execPath, [cli, ...remote, '--namespace', daemon.namespace, ...args]);
}

test('a client with a certificate of the authority is served, and its changes bear its name', async () => {
  const { stdout, stderr, code } = await berthAs('client', 'version');
  assert.deepEqual({ stderr, code }, { stderr: '', code: 0 });
  assert.match(stdout, /berthd/);
  assert.equal((await berthAs('client', 'namespaces', 'create', 'remote')).code, 0);
  assert.match(daemon.log, /change .*Namespaces\/Create.*name=remote.*client=".*orchestrator-7"/);
  assert.equal((await berthAs('client', 'namespaces', 'rm', 'remote')).code, 0);
});

test("another authority's client is refused", async () => {
  const { stderr, code } = await berthAs('stranger', 'version');
  assert.notEqual(code, 0);
  assert.match(stderr, /cannot reach berthd at tcp:/);
});

test('a client without TLS is refused', async () => {
  const plain = new Client(address, credentials.createInsecure());
  await assert.rejects(callRpc(plain, VersionService.version, {}, { limitMs: 5000 }));
  plain.close();
});

test('the unix socket is served as ever', async () => {
  assert.equal((await daemon.ctr(['version'])).code, 0);
});

test('streams over TCP are refused with the reason', async () => {
  const { stderr, code } = await berthAs('client', 'run', '--rootfs', daemon.rootfs, 'remote', '/bin/true');
  assert.notEqual(code, 0);
  assert.match(stderr, /FIFOs on the host of berthd/);
  await berthAs('client', 'containers', 'rm', 'remote');
});

test('berth says which certificates are missing', async () => {
  const { stderr, code } = await runProgram(process.execPath, [
    join(projectRoot, 'dist/bin/berth/main.js'),
    ...['--address', `tcp://${address}`, 'version'],
  ]);
  assert.notEqual(code, 0);
  assert.match(stderr, /--tls-dir/);
});

for (const [what, args, pattern] of [
  ['plain TCP', () => ['--tcp-address', address], /plain TCP is refused: .* tls-cert is missing/],
  [
    'TLS without an authority for clients',
    () => ['--tcp-address', address, ...tlsFlags().slice(0, 4)],
    /tls-client-ca is missing/,
  ],
  ['an address without a port', () => ['--tcp-address', '127.0.0.1', ...tlsFlags()], /must be HOST:PORT/],
  ['certificates without an address', () => tlsFlags(), /without a tcp-address/],
] as const) {
  test(`${what} is refused in one line`, async () => {
    const directories = ['--root', daemon.path('refused', 'root'), '--state', daemon.path('refused', 'state')];
    const { stderr, code } = await runProgram(process.execPath, [main, ...directories, ...args()]);
    assert.equal(code, 1);
    assert.match(stderr, pattern);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  });
}
