// `berth run` of an image that is not here yet: pulled where it is missing, always, or never.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { removeImages } from '../helpers/images.js';
import { assertClean, pushImage, rootfsLayer } from '../helpers/pulled-images.js';
import { rawTar } from '../helpers/raw-tar.js';
import { Registry } from '../helpers/registry.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => {
  await removeImages(daemon());
  await assertClean(daemon());
});

const daemon = useBerthd();
let registry: Registry;

before(async () => {
  registry = await Registry.start();
});

after(async () => await registry.stop());

/** An image that tells its version, and when it was built for another machine, which. */
async function push(version: string, architectures: readonly string[] = ['amd64']): Promise<string> {
  await pushImage(daemon(), registry, 'app:1', async (layout) => {
    const of = async (architecture: string) => {
      const layers = [rootfsLayer(daemon()), rawTar([{ name: 'told', content: `${version} ${architecture}\n` }])];
      return await layout.image(layers, architecture, { Cmd: ['cat', '/told'] });
    };
    const images = [];
    for (const architecture of architectures) images.push(await of(architecture));
    return await layout.index(images);
  });
  return registry.reference('app:1');
}

async function run(...args: string[]) {
  const { stdout, stderr, code } = await daemon().berth(['run', '--rm', ...args]);
  return { stdout, stderr, code };
}

test('a missing image is pulled, and told of on standard error; one that is here is not asked for', async () => {
  const name = await push('one');
  const first = await run(name);
  assert.deepEqual([first.stdout, first.code], ['one amd64\n', 0], first.stderr);
  assert.match(first.stderr, /^[0-9a-f]{12}: fetched [\d.]+[KMi]*B$/m);
  assert.match(first.stderr, /^[0-9a-f]{12}: unpacked$/m);
  await push('two');
  const again = await run('--pull', 'missing', name);
  assert.deepEqual(again, { stdout: 'one amd64\n', stderr: '', code: 0 });
});

test('--pull always runs what the registry has now, or nothing', async () => {
  const name = await push('one');
  assert.equal((await run('-q', name)).stdout, 'one amd64\n');
  await push('two');
  assert.deepEqual(await run('--pull', 'always', '--quiet', name), { stdout: 'two amd64\n', stderr: '', code: 0 });
  const elsewhere = registry.reference('none:1');
  assert.equal((await daemon().berth(['images', 'tag', name, elsewhere])).code, 0);
  const { stdout, stderr, code } = await run('--pull', 'always', elsewhere);
  assert.deepEqual([stdout, code], ['', 125]);
  assert.match(stderr, /the registry answered 404/);
});

test('--pull never says to pull first', async () => {
  const name = await push('one');
  const { stdout, stderr, code } = await run('--pull', 'never', name);
  assert.deepEqual([stdout, code], ['', 125]);
  assert.match(stderr, /^berth: image "[^"]+": not found: pull it first, with 'berth pull'\n$/);
  assert.equal((await daemon().berth(['pull', '-q', name])).code, 0);
  assert.equal((await run('--pull', 'never', name)).stdout, 'one amd64\n');
});

test('an image that is here for another platform only is pulled for the one that is wanted', async () => {
  const name = await push('one', ['arm64', 'amd64']);
  assert.equal((await daemon().berth(['pull', '-q', '--no-unpack', '--platform', 'linux/arm64', name])).code, 0);
  const refused = await run('--pull', 'never', name);
  assert.equal(refused.code, 125);
  assert.match(refused.stderr, /pull it first/);
  assert.equal((await run('-q', name)).stdout, 'one amd64\n');
});

test('what is pulled for a container that cannot be made leaves nothing of the container', async () => {
  const name = await push('one');
  const { stderr, code } = await run('-q', '-u', 'nobody-here', name);
  assert.equal(code, 125);
  assert.match(stderr, /has no user "nobody-here"/);
  const missing = await run('-q', registry.reference('none:1'));
  assert.equal(missing.code, 125);
  assert.equal(missing.stderr.trim().split('\n').length, 1, missing.stderr);
  const wrong = await run('--pull', 'sometimes', name);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /missing, always, never/);
});
