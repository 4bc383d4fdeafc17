import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../../src/domain/errors.js';
import { compressionFor, mayBeCompressed } from '../../../../src/images/diff/layer-media-types.js';
import { directTarget, layerStack, readOnlyMounts } from '../../../../src/images/diff/layer-mounts.js';
import type { Mount } from '../../../../src/linux/mount.js';

const bind = (source: string, mode: 'rw' | 'ro'): Mount => ({
  type: 'bind',
  source,
  target: '',
  options: [mode, 'rbind'],
});
const overlay = (...options: string[]): Mount => ({ type: 'overlay', source: 'overlay', target: '', options });
const active = overlay('index=off', 'workdir=/3/work', 'upperdir=/3/fs', 'lowerdir=/2/fs:/1/fs');
const view = overlay('index=off', 'lowerdir=/2/fs:/1/fs');
const device: Mount = { type: 'ext4', source: '/dev/loop0', target: '', options: [] };

test('a layer goes straight into a bound directory or an upper directory, and elsewhere by a mount', () => {
  assert.deepEqual(directTarget([bind('/1/fs', 'rw')]), { path: '/1/fs', whiteouts: 'plain', lowers: [] });
  assert.deepEqual(directTarget([active]), { path: '/3/fs', whiteouts: 'trusted', lowers: ['/2/fs', '/1/fs'] });
  assert.equal(directTarget([overlay('userxattr', ...active.options)])?.whiteouts, 'user');
  for (const mounts of [[], [view], [bind('/1/fs', 'ro')], [device], [active, bind('/x', 'rw')]]) {
    assert.equal(directTarget(mounts), undefined);
  }
  assert.equal(directTarget([{ ...active, target: 'below' }]), undefined);
});

test('the layers of a snapshot are known where its mounts tell them', () => {
  assert.deepEqual(layerStack([]), []);
  assert.deepEqual(layerStack([bind('/1/fs', 'ro')]), ['/1/fs']);
  assert.deepEqual(layerStack([active]), ['/3/fs', '/2/fs', '/1/fs']);
  assert.deepEqual(layerStack([view]), ['/2/fs', '/1/fs']);
  assert.equal(layerStack([device]), undefined);
  assert.equal(layerStack([active, active]), undefined);
});

test('what is only read is mounted so that nothing can be written, and an upper directory is not mounted twice', () => {
  assert.deepEqual(readOnlyMounts([bind('/1/fs', 'rw')]), [{ ...bind('/1/fs', 'ro'), options: ['ro', 'rbind'] }]);
  assert.deepEqual(readOnlyMounts([active]), [overlay('ro', 'index=off', 'lowerdir=/3/fs:/2/fs:/1/fs')]);
  assert.deepEqual(readOnlyMounts([overlay('lowerdir=/1/fs')]), [bind('/1/fs', 'ro')]);
  assert.deepEqual(readOnlyMounts([device]), [{ ...device, options: ['ro'] }]);
});

test('layers of Docker and OCI are told apart by whether they may be compressed', () => {
  const oci = 'application/vnd.oci.image.layer';
  const docker = 'application/vnd.docker.image.rootfs';
  for (const type of [`${oci}.v1.tar`, `${oci}.nondistributable.v1.tar`]) assert.equal(mayBeCompressed(type), false);
  for (const type of [
    `${oci}.v1.tar+gzip`,
    `${oci}.v1.tar+zstd`,
    `${oci}.nondistributable.v1.tar+gzip`,
    `${docker}.diff.tar`,
    `${docker}.diff.tar.gzip`,
    `${docker}.diff.tar.zstd`,
    `${docker}.foreign.diff.tar.gzip`,
  ]) {
    assert.equal(mayBeCompressed(type), true, type);
  }
  for (const type of [
    '',
    'text/plain',
    'application/vnd.oci.image.manifest.v1+json',
    `${oci}.v1.tar+encrypted`,
    `${oci}.v1.tar+gzip+encrypted`,
    `${oci}.v1.tar+bzip2`,
    `${docker}.diff.tar.gzip+encrypted`,
  ]) {
    assert.throws(
      () => mayBeCompressed(type),
      (error: unknown) => isBerthError(error, 'invalid-argument'),
      type,
    );
  }
});

test('layers are made plain or with gzip', () => {
  assert.equal(compressionFor('application/vnd.oci.image.layer.v1.tar'), 'none');
  assert.equal(compressionFor('application/vnd.docker.image.rootfs.diff.tar.gzip'), 'gzip');
  const isUnimplemented = (error: unknown) => isBerthError(error, 'unimplemented');
  assert.throws(() => compressionFor('application/vnd.oci.image.layer.v1.tar+zstd'), isUnimplemented);
});
