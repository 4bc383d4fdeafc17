// Token servers, redirects, and TLS with authorities of one's own.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { FakeRegistry } from '../helpers/fake-registry.js';
import { removeImages } from '../helpers/images.js';
import { useBerthd } from '../helpers/use-berthd.js';

const keys = mkdtempSync(join(tmpdir(), 'berth-keys-'));
const certificates = join(keys, 'certs.d');

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => {
  for (const server of [registry, elsewhere, secure]) {
    server.override = undefined;
    server.requests.length = 0;
  }
  await removeImages(daemon());
});

const daemon = useBerthd({ config: `registry_certificates = "${certificates}"` });
let registry: FakeRegistry;
/** Another host: what is on it gets no authorization of the registry's. */
let elsewhere: FakeRegistry;
let secure: FakeRegistry;

before(async () => {
  registry = await FakeRegistry.start();
  elsewhere = await FakeRegistry.start();
  const [key, cert] = [join(keys, 'key.pem'), join(keys, 'cert.pem')];
  const subject = ['-subj', '/CN=berth test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  execFileSync('openssl', [...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  secure = await FakeRegistry.start({ key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') });
});

after(async () => {
  for (const server of [registry, elsewhere, secure]) await server.stop();
  rmSync(keys, { recursive: true });
});

async function pull(reference: string, ...args: string[]) {
  const env = { DOCKER_CONFIG: daemon().path('none') };
  return await daemon().berth(['pull', ...args, reference], { env });
}

/** The registry wants `token`, and names the token server elsewhere. */
function wantToken(token: string): void {
  registry.override = ({ headers, url }: IncomingMessage, answer: ServerResponse) => {
    if (headers.authorization === `Bearer ${token}` || url === '/v2/') return false;
    const realm = `http://${elsewhere.reference('token')}`;
    const challenge = `Bearer realm="${realm}",service="berth, test",scope="repository:app:pull"`;
    answer.writeHead(401, { 'www-authenticate': challenge }).end();
    return true;
  };
}

function tokenServer(answerTo: (request: IncomingMessage) => object | undefined): void {
  elsewhere.override = (request, answer) => {
    if (request.url?.startsWith('/token') !== true) return false;
    const found = answerTo(request);
    answer.writeHead(found === undefined ? 401 : 200).end(JSON.stringify(found ?? { details: 'incorrect password' }));
    return true;
  };
}

test('a token is got by name and password, and none by wrong ones', async () => {
  registry.image('1', randomBytes(1000));
  wantToken('good');
  const expected = `Basic ${Buffer.from('user:pass').toString('base64')}`;
  tokenServer(({ headers }) => (headers.authorization === expected ? { token: 'good' } : undefined));
  const right = await pull(registry.reference('app:1'), '-u', 'user:pass');
  assert.equal(right.code, 0, right.stderr);
  const asked = new URL(elsewhere.requests[0]?.url ?? '', 'http://x').searchParams;
  assert.deepEqual(
    [asked.get('service'), asked.get('scope'), asked.get('account')],
    ['berth, test', 'repository:app:pull', 'user'],
  );
  // The password goes to the token server alone, and the token to the registry alone.
  assert.ok(registry.requests.every(({ authorization = '' }) => !authorization.startsWith('Basic')));
  const wrong = await pull(registry.reference('app:1'), '-u', 'user:wrong');
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /a token of 127\.0\.0\.1:\d+: the registry answered 401: incorrect password/);
  assert.doesNotMatch(daemon().log, /user:|Basic |Bearer /);
});

test('a token that has expired in the middle is got anew; one that is never good ends the pull', async () => {
  registry.image('1', randomBytes(1000));
  let count = 0;
  tokenServer(() => {
    count++;
    return { access_token: `token-${count}` };
  });
  // The first token is good for the manifest alone.
  registry.override = (request, answer) => {
    wantToken(request.url?.includes('/blobs/') === true ? 'token-2' : 'token-1');
    const guard = registry.override;
    registry.override = override;
    return guard?.(request, answer) === true;
  };
  const { override } = registry;
  const { code, stderr } = await pull(registry.reference('app:1'));
  assert.equal(code, 0, stderr);
  assert.equal(count, 2);
  tokenServer(() => ({ token: 'bad' }));
  wantToken('good');
  const never = await pull(registry.reference('app:1'));
  assert.equal(never.code, 1);
  assert.match(never.stderr, /the registry answered 401/);
});

test('a token server without TLS on another host gets no password', async () => {
  registry.override = ({ url }, answer) => {
    if (url === '/v2/') return false;
    answer.writeHead(401, { 'www-authenticate': 'Bearer realm="http://tokens.example/token"' }).end();
    return true;
  };
  const { code, stderr } = await pull(registry.reference('app:1'), '-u', 'user:pass');
  assert.equal(code, 1);
  assert.match(stderr, /token server http:\/\/tokens\.example does not use TLS/);
});

test('a redirect to another host goes without the authorization', async () => {
  const file = randomBytes(1000);
  registry.image('1', file);
  elsewhere.image('1', file);
  wantToken('good');
  const guard = registry.override;
  registry.override = (request, answer) => {
    if (guard?.(request, answer) === true) return true;
    if (request.url?.includes('/blobs/') !== true) return false;
    answer.writeHead(307, { location: `http://${elsewhere.reference('signed')}${request.url}` }).end();
    return true;
  };
  tokenServer(() => ({ token: 'good' }));
  const { code, stderr } = await pull(registry.reference('app:1'));
  assert.equal(code, 0, stderr);
  const signed = elsewhere.requests.filter(({ url }) => url.startsWith('/signed/'));
  assert.equal(signed.length, 2);
  for (const { authorization } of signed) assert.equal(authorization, undefined);
});

test('TLS: an unknown authority is refused, and trusted by --tls-ca, by the directory of certificates, or with --insecure', async () => {
  secure.image('1', randomBytes(1000));
  const reference = secure.reference('app:1');
  const unknown = await pull(reference);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /self-signed certificate/);
  for (const args of [['--insecure'], ['--tls-ca', join(keys, 'cert.pem')]]) {
    const { code, stderr } = await pull(reference, ...args);
    assert.equal(code, 0, stderr);
  }
  mkdirSync(join(certificates, `127.0.0.1:${secure.port}`), { recursive: true });
  cpSync(join(keys, 'cert.pem'), join(certificates, `127.0.0.1:${secure.port}`, 'ca.crt'));
  const { code, stderr } = await pull(reference);
  assert.equal(code, 0, stderr);
  const missing = await pull(reference, '--tls-ca', '/no/such/file');
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /--tls-ca: ENOENT/);
});
