// References to images: Docker's defaults, and what no registry could have.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatImageReference,
  fullImageName,
  isLoopbackRegistry,
  parseImageReference,
} from '../../../src/domain/image-reference.js';

const digest = `sha256:${'0'.repeat(64)}`;

const full: readonly (readonly [text: string, name: string])[] = [
  ['alpine', 'docker.io/library/alpine:latest'],
  ['alpine:3.20', 'docker.io/library/alpine:3.20'],
  ['someone/tool', 'docker.io/someone/tool:latest'],
  ['docker.io/alpine', 'docker.io/library/alpine:latest'],
  ['index.docker.io/someone/tool:1', 'docker.io/someone/tool:1'],
  ['localhost/app', 'localhost/app:latest'],
  ['localhost:5000/app:v1', 'localhost:5000/app:v1'],
  ['127.0.0.1:5000/a/b/c', '127.0.0.1:5000/a/b/c:latest'],
  ['[::1]:5000/app', '[::1]:5000/app:latest'],
  ['registry.example.com/app__x/y-z.1', 'registry.example.com/app__x/y-z.1:latest'],
  [`alpine@${digest}`, `docker.io/library/alpine@${digest}`],
  [`quay.io/app:1@${digest}`, `quay.io/app:1@${digest}`],
];

for (const [text, name] of full) {
  test(`${text} means ${name}`, () => {
    assert.equal(formatImageReference(parseImageReference(text)), name);
    assert.equal(formatImageReference(parseImageReference(name)), name);
  });
}

const refused = [
  ...['', ':tag', '/app', 'app/', 'a//b', 'App', 'localhost:5000/App', 'app:', 'app:-x', `app:${'x'.repeat(129)}`],
  ...['app@sha256:abc', `app@${digest}@${digest}`, 'https://host/app', 'host.example/../app', '-host.example/app'],
  ...['app\n', 'a b', `${'a'.repeat(250)}/${'b'.repeat(10)}`, 'host.example:99999999/app', '../app', 'app?x', 'app#x'],
];

for (const text of refused) {
  test(`${JSON.stringify(text.slice(0, 40))} is refused`, () => {
    assert.throws(() => parseImageReference(text), { name: 'BerthError', kind: 'invalid-argument' });
    assert.equal(fullImageName(text), text);
  });
}

test('only this machine is loopback', () => {
  for (const registry of ['localhost', 'localhost:5000', '127.0.0.1:5000', '127.1.2.3', '[::1]:80']) {
    assert.ok(isLoopbackRegistry(registry), registry);
  }
  for (const registry of ['docker.io', '127.0.0.1.example.com', '10.0.0.1:5000', 'localhost.example.com', '[::2]']) {
    assert.ok(!isLoopbackRegistry(registry), registry);
  }
});
