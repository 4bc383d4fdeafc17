// The labels by which garbage collection keeps what a document names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childLabels, sourceLabelFor, withRepository } from '../../../../src/images/transfer/child-labels.js';

const child = (mediaType: string, digest: string) => ({ mediaType, digest, size: 1, annotations: {} });

test('configuration, layers, manifests and others are numbered each by itself', () => {
  const children = [
    child('application/vnd.oci.image.config.v1+json', 'c'),
    child('application/vnd.oci.image.layer.v1.tar+zstd', 'l0'),
    child('application/vnd.docker.image.rootfs.diff.tar.gzip', 'l1'),
    child('application/vnd.oci.image.manifest.v1+json', 'm0'),
    child('application/vnd.docker.distribution.manifest.list.v2+json', 'm1'),
    child('application/vnd.in-toto+json', 'x'),
  ];
  assert.deepEqual(childLabels(children), {
    'containerd.io/gc.ref.content.config': 'c',
    'containerd.io/gc.ref.content.l.0': 'l0',
    'containerd.io/gc.ref.content.l.1': 'l1',
    'containerd.io/gc.ref.content.m.0': 'm0',
    'containerd.io/gc.ref.content.m.1': 'm1',
    'containerd.io/gc.ref.content.0': 'x',
  });
});

test('a source is told without its port, and each repository once', () => {
  const reference = { registry: '127.0.0.1:5000', repository: 'b/app', tag: '1', digest: '' };
  assert.deepEqual(sourceLabelFor(reference), ['containerd.io/distribution.source.127.0.0.1', 'b/app']);
  assert.equal(withRepository(undefined, 'b/app'), 'b/app');
  assert.equal(withRepository('b/app,c', 'a'), 'a,b/app,c');
  assert.equal(withRepository('a,b', 'b'), 'a,b');
});
