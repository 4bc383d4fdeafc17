// berth push, and registries that want to know who asks: htpasswd of the real registry, by all ways to have credentials.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { listBlobs } from '../helpers/content.js';
import { removeImages } from '../helpers/images.js';
import { runProgram } from '../helpers/program.js';
import { pushImage } from '../helpers/pulled-images.js';
import { rawTar } from '../helpers/raw-tar.js';
import { Registry } from '../helpers/registry.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => await removeImages(daemon()));

const daemon = useBerthd();
let open: Registry;
let guarded: Registry;

before(async () => {
  open = await Registry.start();
  guarded = await Registry.start({ withPassword: true });
});

after(async () => {
  await open.stop();
  await guarded.stop();
});

async function succeed(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const { stdout, stderr, code } = await daemon().berth(args, { env: { DOCKER_CONFIG: daemon().path('none') } });
  assert.equal(code, 0, stderr);
  return { stdout, stderr };
}

const layer = () => rawTar([{ name: 'some', content: randomBytes(3_000_000) }]);

async function inspected(reference: string): Promise<string> {
  const { stdout, stderr, code } = await runProgram('skopeo', [
    'inspect',
    '--raw',
    '--tls-verify=false',
    `docker://${reference}`,
  ]);
  assert.equal(code, 0, stderr);
  return stdout;
}

test('what is pushed is what was pulled, and is not sent twice', async () => {
  const root = await pushImage(daemon(), open, 'source:1', async (layout) =>
    layout.index([await layout.image([layer(), layer()]), await layout.image([layer()], 'arm64')]),
  );
  const source = open.reference('source:1');
  await succeed('pull', source);
  const partly = await daemon().berth(['push', source, open.reference('copy:1')]);
  assert.equal(partly.code, 1);
  assert.match(partly.stderr, /is not here: name a platform that is, or pull all of them/);
  const single = await succeed('push', '--platform', 'amd64', source, open.reference('single:1'));
  assert.equal(single.stdout, `${open.reference('single:1')}\n`);
  assert.equal(JSON.parse(await inspected(open.reference('single:1'))).layers.length, 2);
  await succeed('pull', '--all-platforms', source);
  const first = await succeed('push', source, open.reference('copy:1'));
  assert.match(first.stderr, /^[0-9a-f]{12}: sent [\d.]+[KM]iB$/m);
  assert.equal(await inspected(open.reference('copy:1')), await inspected(source));
  const again = await succeed('-o', 'json', 'push', source, open.reference('copy:2'));
  assert.equal(JSON.parse(again.stdout).digest, root.digest);
  assert.equal(again.stderr.match(/already there$/gm)?.length, 5, again.stderr);
  assert.match(
    (await daemon().berth(['push', 'nobody'])).stderr,
    /image "docker\.io\/library\/nobody:latest": not found/,
  );
});

test('credentials come from the command line, from the configuration, and from a helper; without any, and with wrong ones, the registry refuses', async () => {
  await pushImage(daemon(), open, 'secret:1', (layout) => layout.image([layer()]));
  const source = open.reference('secret:1');
  const target = guarded.reference('secret:1');
  await succeed('pull', source);
  const refused = async (env: Record<string, string>, ...args: string[]) => {
    const { code, stderr } = await daemon().berth(args, { env });
    assert.equal(code, 1);
    assert.match(stderr, /the registry answered 401/);
  };
  const none = { DOCKER_CONFIG: daemon().path('none') };
  await refused(none, 'push', source, target);
  await refused(none, 'push', '-u', 'berth:wrong', source, target);
  await succeed('push', '-u', 'berth:secret', source, target);
  const byStdin = await daemon().berth(['pull', '-u', 'berth', '--password-stdin', target], {
    input: 'secret\n',
    env: none,
  });
  assert.equal(byStdin.code, 0, byStdin.stderr);
  const configured = daemon().path('docker');
  mkdirSync(configured);
  const host = target.split('/')[0] ?? '';
  const write = (config: object) => writeFileSync(`${configured}/config.json`, JSON.stringify(config));
  const env = { DOCKER_CONFIG: configured };
  write({ auths: { [host]: { auth: Buffer.from('berth:secret').toString('base64') } } });
  assert.equal((await daemon().berth(['pull', target], { env })).code, 0);
  write({ auths: { [`https://${host}/v1/`]: { username: 'berth', password: 'wrong' } } });
  await refused(env, 'pull', target);
  // As most users have it: in the home directory, with nothing in the environment that names it.
  const home = daemon().path('home');
  mkdirSync(`${home}/.docker`, { recursive: true });
  const byHome = async () => await daemon().berth(['pull', target], { env: { HOME: home, DOCKER_CONFIG: undefined } });
  const empty = await byHome();
  assert.equal(empty.code, 1);
  assert.match(empty.stderr, /the registry answered 401/);
  const auth = Buffer.from('berth:secret').toString('base64');
  writeFileSync(`${home}/.docker/config.json`, JSON.stringify({ auths: { [host]: { auth } } }));
  const filled = await byHome();
  assert.equal(filled.code, 0, filled.stderr);
  const helper = daemon().path('docker', 'docker-credential-test');
  writeFileSync(
    helper,
    `#!/bin/sh\nread server\n[ "$1 $server" = "get ${host}" ] && echo '{"ServerURL":"x","Username":"berth","Secret":"secret"}' && exit\necho 'credentials not found in native keychain'\nexit 1\n`,
  );
  chmodSync(helper, 0o755);
  write({ credHelpers: { [host]: 'test' } });
  const withHelper = { ...env, PATH: `${configured}:${process.env['PATH'] ?? ''}` };
  const byHelper = await daemon().berth(['pull', target], { env: withHelper });
  assert.equal(byHelper.code, 0, byHelper.stderr);
  write({ credsStore: 'missing' });
  assert.match((await daemon().berth(['pull', target], { env })).stderr, /docker-credential-missing failed/);
  assert.doesNotMatch(daemon().log, /secret"|berth:secret|YmVydGg6c2VjcmV0/);
  assert.ok((await listBlobs(daemon())).length > 0);
});
