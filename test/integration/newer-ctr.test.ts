// The `ctr` of newer containerds, which leave pulls, pushes, imports, exports and tags to the daemon's transfer service.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { ContentService } from '../../src/generated/containerd/services/content/v1/content.js';
import { assertCheckClean } from '../helpers/check-clean.js';
import { removeImages } from '../helpers/images.js';
import { newerCtr, newerReleases } from '../helpers/newer-clients.js';
import { runProgram } from '../helpers/program.js';
import { pushImage, rootfsLayer } from '../helpers/pulled-images.js';
import { Registry } from '../helpers/registry.js';
import { useBerthd } from '../helpers/use-berthd.js';

afterEach(async () => await removeImages(daemon()));

const daemon = useBerthd();
let registry: Registry;
let guarded: Registry;

before(async () => {
  [registry, guarded] = await Promise.all([Registry.start(), Registry.start({ withPassword: true })]);
});

after(async () => await Promise.all([registry.stop(), guarded.stop()]));

const config = { Cmd: ['/bin/sh', '-c', 'echo from the image; exit 3'] };

for (const release of newerReleases) {
  const { ctr, succeed } = newerCtr(release, daemon);

  /** By the transfer service, which 1.7 wants to be told and 2 does not. */
  const byTransfer = release === 'trixie' ? ['--local=false'] : [];
  const transfer = async (verb: string, ...args: readonly string[]): Promise<string> =>
    await succeed('image', verb, ...byTransfer, ...args);

  const names = async (): Promise<string[]> => (await succeed('image', 'ls', '-q')).split('\n').filter(Boolean).sort();

  async function pushApp(name: string): Promise<string> {
    await pushImage(daemon(), registry, name, (layout) => layout.image([rootfsLayer(daemon())], 'amd64', config));
    return registry.reference(name);
  }

  test(`the ctr of ${release} runs, looks into, executes in, pauses and deletes containers`, async () => {
    const run = await ctr('run', '--rm', '--rootfs', daemon().rootfs, 'once', '/bin/sh', '-c', 'echo hi; exit 3');
    assert.deepEqual([run.stdout, run.code], ['hi\n', 3], run.stderr);
    await succeed('run', '-d', '--rootfs', daemon().rootfs, 'stays', '/bin/sleep', '1000');
    assert.match(await succeed('tasks', 'ls'), /^stays +\d+ +RUNNING$/m);
    const exec = await ctr('tasks', 'exec', '--exec-id', 'e1', 'stays', '/bin/sh', '-c', 'echo in; exit 4');
    assert.deepEqual([exec.stdout, exec.code], ['in\n', 4], exec.stderr);
    assert.match(await succeed('tasks', 'metrics', 'stays'), /^memory\.\w+ +\d+ *$/m);
    await succeed('tasks', 'pause', 'stays');
    assert.match(await succeed('tasks', 'ls'), /^stays +\d+ +PAUSED$/m);
    await succeed('tasks', 'resume', 'stays');
    await succeed('tasks', 'rm', '--force', 'stays');
    await succeed('containers', 'rm', 'stays');
  });

  test(`the ctr of ${release} has an image pulled, and runs it`, async () => {
    const app = await pushApp('app:1');
    const shown = await transfer('pull', '--plain-http', '--label', 'of=test', app);
    assert.match(shown, /saved/);
    assert.match(shown, /layer \([0-9a-f]{12}\)\s+complete/);
    assert.deepEqual(await names(), [app]);
    // That of 1.7 says nothing of labels.
    assert.match(await succeed('image', 'ls'), release === 'trixie' ? /linux\/amd64 +-/ : /linux\/amd64 +of=test/);
    // Clients of 1.7 and newer ask for the snapshotter by a filter with a space in it.
    const run = await ctr('run', '--rm', app, 'pulled');
    assert.deepEqual([run.stdout, run.code], ['from the image\n', 3], run.stderr);
    assert.match(await transfer('pull', '--plain-http', app), /already exists/);
    const missing = await ctr('image', 'pull', ...byTransfer, '--plain-http', registry.reference('none:1'));
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /404|not found/);
  });

  test(`the ctr of ${release} has one platform pulled, with the metadata of the others`, async () => {
    const root = await pushImage(daemon(), registry, 'multi:1', async (layout) => {
      const images = [
        await layout.image([rootfsLayer(daemon())], 'amd64', config),
        await layout.image([Buffer.alloc(1024)], 'arm64'),
      ];
      return await layout.index(images);
    });
    const multi = registry.reference('multi:1');
    await transfer('pull', '--plain-http', multi);
    assert.match(await succeed('image', 'ls'), /linux\/amd64,linux\/arm64/);
    const { code } = await ctr('content', 'get', root.digest);
    assert.equal(code, 0);
    const fetched = async () => (await succeed('content', 'ls', '-q')).split('\n').filter(Boolean).length;
    // The index and one manifest, configuration and layer; that of 2 asks for manifest and configuration of the other as well.
    assert.equal(await fetched(), release === 'trixie' ? 4 : 6);
    await transfer('pull', '--plain-http', '--all-platforms', multi);
    assert.equal(await fetched(), 7);
  });

  test(`the ctr of ${release} has images tagged, exported, imported and pushed`, async () => {
    const app = await pushApp('app:2');
    await transfer('pull', '--plain-http', app);
    const other = 'docker.io/library/other:2';
    await succeed('image', 'tag', ...byTransfer, app, other);
    assert.deepEqual(await names(), [app, other]);
    const archive = daemon().path(`${release}.tar`);
    await transfer('export', archive, other);
    await succeed('image', 'rm', app, other);
    assert.match(await transfer('import', archive), /saved/);
    assert.deepEqual(await names(), [other]);
    // A base name lets no other in, but by digest.
    await succeed('image', 'rm', other);
    await transfer('import', '--base-name', 'docker.io/library/base', '--digests', archive);
    const [digested = '', ...more] = await names();
    assert.match(digested, /^docker\.io\/library\/base@sha256:[0-9a-f]{64}$/);
    assert.deepEqual(more, []);
    // What `docker save` writes: names as a person writes them.
    const saved = daemon().path(`${release}-docker.tar`);
    const copy = [
      '--insecure-policy',
      'copy',
      '--src-tls-verify=false',
      `docker://${app}`,
      `docker-archive:${saved}:team/app:1`,
    ];
    const copied = await runProgram('skopeo', copy);
    assert.equal(copied.code, 0, copied.stderr);
    await transfer('import', saved);
    assert.deepEqual(await names(), [digested, 'docker.io/team/app:1'].sort());
    const pushed = registry.reference('pushed:1');
    await transfer('push', '--plain-http', pushed, digested);
    await succeed('image', 'rm', digested, 'docker.io/team/app:1');
    await transfer('pull', '--plain-http', pushed);
    assert.equal((await ctr('run', '--rm', pushed, 'again')).stdout, 'from the image\n');
    const missing = await ctr('image', 'export', ...byTransfer, archive, 'docker.io/library/none:1');
    assert.deepEqual([missing.code, /not found/.test(missing.stderr)], [1, true], missing.stderr);
  });

  test(`the ctr of ${release} is asked for its password when a registry wants one`, async () => {
    const app = await pushApp('app:3');
    await transfer('pull', '--plain-http', app);
    const secret = guarded.reference('app:3');
    const push = async (...args: readonly string[]) =>
      await ctr('image', 'push', ...byTransfer, '--plain-http', ...args, secret, app);
    for (const args of [[], ['--user', 'berth:wrong']]) {
      const refused = await push(...args);
      assert.deepEqual([refused.code, /401/.test(refused.stderr)], [1, true], refused.stderr);
    }
    assert.equal((await push('--user', 'berth:secret')).code, 0);
    assert.equal((await ctr('image', 'pull', ...byTransfer, '--plain-http', secret)).code, 1);
    await transfer('pull', '--plain-http', '--user', 'berth:secret', secret);
    assert.deepEqual(await names(), [app, secret].sort());
    assert.doesNotMatch(daemon().log, /secret:|berth:wrong|berth:secret/);
    await assertCheckClean(daemon());
    assert.deepEqual((await daemon().call(ContentService.listStatuses, { filters: [] })).statuses, []);
  });
}
