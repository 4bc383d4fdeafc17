// Specs read from bundles.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readBundleSpec } from '../../../../src/cli/spec/bundle.js';

let bundle = '';
before(async () => {
  bundle = await mkdtemp(join(tmpdir(), 'berth-bundle-'));
});
after(async () => await rm(bundle, { recursive: true }));

async function readSpec(config: string) {
  await writeFile(join(bundle, 'config.json'), config);
  return await readBundleSpec(bundle);
}

test('a relative root is one of the bundle', async () => {
  const spec = await readSpec('{"ociVersion":"1.0.2","root":{"path":"rootfs"},"process":{"cwd":"/"},"x":1}');
  assert.deepEqual(spec.root, { path: join(bundle, 'rootfs') });
  assert.equal(Reflect.get(spec, 'x'), 1);
});

test('an absolute root stays', async () => {
  const spec = await readSpec('{"ociVersion":"1.0.2","root":{"path":"/srv","readonly":true},"process":{"cwd":"/"}}');
  assert.deepEqual(spec.root, { path: '/srv', readonly: true });
});

for (const [config, message] of [
  ['nonsense', /config\.json is not JSON/],
  ['null', /is not an OCI spec: no JSON object/],
  ['{}', /no ociVersion/],
  ['{"ociVersion":"1.0.2"}', /no root\.path/],
  ['{"ociVersion":"1.0.2","root":{"path":"r"}}', /no process\.cwd/],
] as const) {
  test(`the config.json ${config} is refused`, async () => {
    await assert.rejects(readSpec(config), { kind: 'invalid-argument', message });
  });
}

test('a bundle without config.json is refused by its name', async () => {
  await assert.rejects(readBundleSpec('/no/such/bundle'), { message: /\/no\/such\/bundle\/config\.json/ });
});
