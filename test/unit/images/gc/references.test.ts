import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  backReferencesOf,
  isExpired,
  isRoot,
  nodeKey,
  referencesOf,
  snapshotKey,
} from '../../../../src/images/gc/references.js';

test('labels refer to content, images and snapshots, with or without a name behind', () => {
  const labels = {
    'containerd.io/gc.ref.content': 'sha256:a',
    'containerd.io/gc.ref.content.0': 'sha256:b',
    'containerd.io/gc.ref.content.l.1': 'sha256:c',
    'containerd.io/gc.ref.content/name': 'sha256:d',
    'containerd.io/gc.ref.snapshot.overlayfs': 'key',
    'containerd.io/gc.ref.snapshot.native/0': 'other/key',
    'containerd.io/gc.ref.image': 'example.org/a:1',
  };
  assert.deepEqual(referencesOf(labels), [
    'content:sha256:a',
    'content:sha256:b',
    'content:sha256:c',
    'content:sha256:d',
    'snapshot:overlayfs/key',
    'snapshot:native/other/key',
    'image:example.org/a:1',
  ]);
});

test('labels that only look alike refer to nothing', () => {
  const labels = {
    'containerd.io/gc.ref.contents': 'x',
    'containerd.io/gc.ref.content-0': 'x',
    'containerd.io/gc.ref.snapshot.': 'x',
    'containerd.io/gc.ref.mount': 'x',
    'containerd.io/gc.bref.content': 'x',
    'xcontainerd.io/gc.ref.content': 'x',
    'containerd.io/distribution.source.docker.io': 'x',
  };
  assert.deepEqual(referencesOf(labels), []);
});

test('back references name who keeps', () => {
  const labels = { 'containerd.io/gc.bref.container.x': 'c1', 'containerd.io/gc.bref.snapshot.native': 's' };
  assert.deepEqual(backReferencesOf(labels), [nodeKey('container', 'c1'), snapshotKey('native', 's')]);
});

test('a root label counts whatever its value', () => {
  assert.equal(isRoot({ 'containerd.io/gc.root': '' }), true);
  assert.equal(isRoot({ 'containerd.io/gc.root': '2026-01-01T00:00:00Z' }), true);
  assert.equal(isRoot({ 'containerd.io/gc.ref.content': 'x' }), false);
});

test('a time to expire is RFC 3339; what cannot be read never comes', () => {
  const now = new Date('2026-01-01T12:00:00Z');
  const expires = (text: string) => isExpired({ 'containerd.io/gc.expire': text }, now);
  assert.equal(expires('2026-01-01T11:59:59.999999999Z'), true);
  assert.equal(expires('2026-01-01T13:59:59+02:00'), true);
  assert.equal(expires('2026-01-01T12:00:01Z'), false);
  assert.equal(expires('tomorrow'), false);
  assert.equal(isExpired({}, now), false);
});
