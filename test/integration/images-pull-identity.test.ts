// Who we are for a registry beside name and password: certificates of our own, and the identity tokens that `docker login`
// keeps for some token servers.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { FakeRegistry } from '../helpers/fake-registry.js';
import { removeImages } from '../helpers/images.js';
import { useBerthd } from '../helpers/use-berthd.js';

const keys = mkdtempSync(join(tmpdir(), 'berth-keys-'));
const certificates = join(keys, 'certs.d');

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => {
  for (const server of [registry, tokens, secure]) {
    server.override = undefined;
    server.requests.length = 0;
  }
  rmSync(certificates, { recursive: true, force: true });
  await removeImages(daemon());
});

const daemon = useBerthd({ config: `registry_certificates = "${certificates}"` });
let registry: FakeRegistry;
let tokens: FakeRegistry;
/** Speaks only to whom the authority of these tests knows. */
let secure: FakeRegistry;

before(async () => {
  makeKeys();
  const read = (name: string): string => readFileSync(join(keys, name), 'utf8');
  registry = await FakeRegistry.start();
  tokens = await FakeRegistry.start();
  const own = { key: read('server.key'), cert: read('server.crt') };
  secure = await FakeRegistry.start({ ...own, ca: read('ca.crt'), requestCert: true, rejectUnauthorized: true });
});

after(async () => {
  for (const server of [registry, tokens, secure]) await server.stop();
  rmSync(keys, { recursive: true });
});

/** An authority, and of it `server` and `client`; `stranger` is signed by itself. */
function makeKeys(): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: keys, stdio: 'ignore' });
  const request = (name: string, ...rest: string[]) =>
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, '-subj', `/CN=berth ${name}`, ...rest);
  for (const name of ['ca', 'stranger']) request(name, '-x509', '-days', '2', '-out', `${name}.crt`);
  for (const [name, extension] of [
    ['server', 'subjectAltName=IP:127.0.0.1'],
    ['client', 'extendedKeyUsage=clientAuth'],
  ] as const) {
    request(name, '-out', `${name}.csr`);
    writeFileSync(join(keys, `${name}.ext`), extension);
    const signer = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...signer, '-extfile', `${name}.ext`, '-out', `${name}.crt`);
  }
}

/** Puts files under other names into the secure registry's directory of certificates. */
function certificatesOf(files: Readonly<Record<string, string>>): void {
  const directory = join(certificates, `127.0.0.1:${secure.port}`);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const [name, source] of Object.entries(files)) cpSync(join(keys, source), join(directory, name));
}

/** `configuration` is what `docker login` has left. */
async function pull(reference: string, configuration: object = {}, path = '') {
  const directory = mkdtempSync(daemon().path('docker-'));
  writeFileSync(join(directory, 'config.json'), JSON.stringify(configuration));
  const env = { DOCKER_CONFIG: directory, PATH: `${path}:${process.env['PATH']}` };
  return await daemon().berth(['pull', '--quiet', reference], { env });
}

test('a registry that wants a certificate gets the pair of its directory', async () => {
  secure.image('1', randomBytes(1000));
  const seen = new Set<unknown>();
  secure.override = ({ socket }) => {
    seen.add((socket as TLSSocket).getPeerCertificate().subject.CN);
    return false;
  };
  certificatesOf({ 'ca.crt': 'ca.crt', 'client.cert': 'client.crt', 'client.key': 'client.key' });
  const { code, stderr } = await pull(secure.reference('app:1'));
  assert.equal(code, 0, stderr);
  assert.deepEqual([...seen], ['berth client']);
});

test('without a certificate, and with one that the registry does not know, nothing is pulled', async () => {
  secure.image('1', randomBytes(1000));
  for (const files of [
    { 'ca.crt': 'ca.crt' },
    // Half of a pair is none.
    { 'ca.crt': 'ca.crt', 'client.cert': 'client.crt' },
    { 'ca.crt': 'ca.crt', 'client.cert': 'stranger.crt', 'client.key': 'stranger.key' },
  ]) {
    certificatesOf(files);
    const { code, stderr } = await pull(secure.reference('app:1'));
    assert.equal(code, 1);
    assert.match(stderr, /https:\/\/127\.0\.0\.1:\d+\/v2\/: the server cut the connection/);
  }
  assert.deepEqual(secure.requests, []);
});

test('a certificate and a key that do not belong together, or are none, are told', async () => {
  certificatesOf({ 'client.cert': 'client.crt', 'client.key': 'stranger.key' });
  const mixed = await pull(secure.reference('app:1'));
  assert.equal(mixed.code, 1);
  assert.match(mixed.stderr, /127\.0\.0\.1:\d+\/client\.key is not the key of \/.*\/client\.cert/);
  certificatesOf({ 'client.cert': 'client.ext', 'client.key': 'client.key' });
  const none = await pull(secure.reference('app:1'));
  assert.equal(none.code, 1);
  assert.match(none.stderr, /client\.cert and its key cannot be used: /);
});

/** A token server that gives `good` for the refresh token `refresh`, and a registry that wants it. */
function wantRefreshToken(): { readonly forms: Record<string, string>[] } {
  const forms: Record<string, string>[] = [];
  registry.override = ({ headers, url }: IncomingMessage, answer: ServerResponse) => {
    if (headers.authorization === 'Bearer good' || url === '/v2/') return false;
    const challenge = `Bearer realm="http://${tokens.reference('token')}",service="berth test"`;
    answer.writeHead(401, { 'www-authenticate': challenge }).end();
    return true;
  };
  tokens.override = (request, answer) => {
    void text(request).then((body) => {
      const form = Object.fromEntries(new URLSearchParams(body));
      forms.push(form);
      const isGood = request.method === 'POST' && form['refresh_token'] === 'refresh';
      const answered = isGood ? { access_token: 'good', refresh_token: 'next' } : { details: 'no such token' };
      answer.writeHead(isGood ? 200 : 401).end(JSON.stringify(answered));
    });
    return true;
  };
  return { forms };
}

const expectedForm = {
  grant_type: 'refresh_token',
  refresh_token: 'refresh',
  client_id: 'berth',
  service: 'berth test',
  scope: 'repository:app:pull',
};

test('an identity token of the configuration is changed for a token', async () => {
  registry.image('1', randomBytes(1000));
  const { forms } = wantRefreshToken();
  const host = `127.0.0.1:${registry.port}`;
  const auth = Buffer.from('00000000-0000:').toString('base64');
  const { code, stderr } = await pull(registry.reference('app:1'), {
    auths: { [`https://${host}/v1/`]: { auth, identitytoken: 'refresh' } },
  });
  assert.equal(code, 0, stderr);
  assert.deepEqual(forms, [expectedForm]);
  // It is a secret between us and the token server.
  assert.ok(registry.requests.every(({ authorization = '', url }) => !`${authorization}${url}`.includes('refresh')));
  assert.ok(tokens.requests.every(({ url }) => !url.includes('refresh')));
  assert.doesNotMatch(daemon().log, /refresh"|Bearer /);
});

test('an identity token that a credential helper gives is changed for a token', async () => {
  registry.image('1', randomBytes(1000));
  const { forms } = wantRefreshToken();
  const programs = mkdtempSync(daemon().path('programs-'));
  const helper =
    '#!/bin/sh\nread server\nprintf \'{"ServerURL":"%s","Username":"<token>","Secret":"refresh"}\' "$server"\n';
  writeFileSync(join(programs, 'docker-credential-kept'), helper, { mode: 0o755 });
  const configuration = { credHelpers: { [`127.0.0.1:${registry.port}`]: 'kept' } };
  const { code, stderr } = await pull(registry.reference('app:1'), configuration, programs);
  assert.equal(code, 0, stderr);
  assert.deepEqual(forms, [expectedForm]);
});

test('an identity token that is good no longer ends the pull, with the reason', async () => {
  registry.image('1', randomBytes(1000));
  wantRefreshToken();
  const auths = { [`127.0.0.1:${registry.port}`]: { identitytoken: 'withdrawn' } };
  const { code, stderr } = await pull(registry.reference('app:1'), { auths });
  assert.equal(code, 1);
  assert.match(stderr, /a token of 127\.0\.0\.1:\d+: the registry answered 401: no such token/);
  assert.doesNotMatch(stderr, /withdrawn/);
});

test('a bearer token of the configuration goes to the registry as it is', async () => {
  registry.image('1', randomBytes(1000));
  const { forms } = wantRefreshToken();
  const host = `127.0.0.1:${registry.port}`;
  const right = await pull(registry.reference('app:1'), { auths: { [host]: { registrytoken: 'good' } } });
  assert.equal(right.code, 0, right.stderr);
  const wrong = await pull(registry.reference('app:1'), { auths: { [host]: { registrytoken: 'bad' } } });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /the registry answered 401/);
  assert.deepEqual(forms, []);
});
