// The layers of one pull come four at once, and never more.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { poll } from '../../src/base/deadline.js';
import { VersionService } from '../../src/generated/containerd/services/version/v1/version.js';
import { FakeRegistry } from '../helpers/fake-registry.js';
import { removeImages } from '../helpers/images.js';
import { useBerthd } from '../helpers/use-berthd.js';

// Registered first, so that it runs before the daemon's own check for what is left behind.
afterEach(async () => await removeImages(daemon()));

const daemon = useBerthd();
let registry: FakeRegistry;

before(async () => {
  registry = await FakeRegistry.start();
});

after(async () => await registry.stop());

const atOnce = 4;
const layers = 8;
/** Calls in whose time a fifth request would have come. */
const callsMeanwhile = 50;

test('four layers are asked for at once, and the next when one has come', async () => {
  registry.image(
    'many',
    Array.from({ length: layers }, () => randomBytes(10_000)),
  );
  const waiting: (() => void)[] = [];
  let configuration = true;
  registry.override = (request, answer) => {
    if (!request.url?.includes('/blobs/')) return false;
    // It comes before the layers.
    if (configuration) {
      configuration = false;
      return false;
    }
    waiting.push(() => registry.serve(request, answer));
    return true;
  };
  const pulling = daemon().berth(['pull', '--quiet', registry.reference('app:many')]);
  for (let left = layers; left > 0; left -= atOnce) {
    const what = `${atOnce} requests at once`;
    await poll(() => waiting.length >= atOnce || undefined, { limitMs: 20_000, intervalMs: 10, what });
    for (let call = 0; call < callsMeanwhile; call++) await daemon().call(VersionService.version, {});
    assert.equal(waiting.length, atOnce);
    for (const serve of waiting.splice(0)) serve();
  }
  const { code, stderr } = await pulling;
  assert.equal(code, 0, stderr);
});
