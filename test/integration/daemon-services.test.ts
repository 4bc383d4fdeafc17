// grpc.health.v1 and server reflection, as any gRPC tool uses them.
import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { status as grpc } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { service as health } from 'grpc-health-check';
import type { Method } from '../helpers/rpc.js';
import { isServiceError } from '../helpers/rpc.js';
import { poll } from '../../src/base/deadline.js';
import { useBerthd } from '../helpers/use-berthd.js';

const daemon = useBerthd();

interface HealthStatus {
  readonly status: string;
}

const check = health['Check'] as unknown as Method<{ service: string }, HealthStatus>;
const watch = health['Watch'] as unknown as Method<{ service: string }, HealthStatus>;

test('the health service says that the server serves', async () => {
  assert.equal((await daemon().call(check, { service: '' })).status, 'SERVING');
});

test('the health of an unknown service is not found', async () => {
  await assert.rejects(
    daemon().call(check, { service: 'no.such.Service' }),
    (error) => isServiceError(error) && error.code === grpc.NOT_FOUND,
  );
});

test('a watch of the health starts with the status', async () => {
  const stream = daemon().stream(watch, { service: '' });
  await poll(() => stream.received[0], { limitMs: 5_000, intervalMs: 10, what: 'a status' });
  assert.equal(stream.received[0]?.status, 'SERVING');
  stream.cancel();
});

for (const version of ['v1', 'v1alpha']) {
  test(`reflection ${version} lists the services and their files`, async () => {
    const listed = await reflect(version, { listServices: '' });
    const names = (listed as { listServicesResponse: { service: { name: string }[] } }).listServicesResponse.service;
    for (const service of ['tasks', 'containers', 'events', 'namespaces', 'leases', 'version', 'introspection']) {
      const pattern = new RegExp(`^containerd\\.services\\.${service}\\.v1\\.`);
      assert.ok(
        names.some(({ name }) => pattern.test(name)),
        `${service} in ${names.map(({ name }) => name).join(' ')}`,
      );
    }
    const file = await reflect(version, { fileContainingSymbol: 'containerd.services.tasks.v1.Tasks' });
    const found = (file as { fileDescriptorResponse: { fileDescriptorProto: Buffer[] } }).fileDescriptorResponse;
    assert.ok(found.fileDescriptorProto.some((bytes) => bytes.includes('ListPids')));
    const missing = await reflect(version, { fileContainingSymbol: 'no.such.Symbol' });
    assert.equal((missing as { errorResponse: { errorCode: number } }).errorResponse.errorCode, 5);
  });
}

/** One question to the reflection service, and its answer. */
async function reflect(version: string, question: object): Promise<unknown> {
  const base = dirname(createRequire(import.meta.url).resolve('@grpc/reflection/package.json'));
  const proto = join(base, `build/proto/grpc/reflection/${version}/reflection.proto`);
  const loaded = loadSync(proto, { defaults: false, oneofs: false });
  const service = loaded[`grpc.reflection.${version}.ServerReflection`] as unknown as Record<
    string,
    Method<object, object>
  >;
  const method = service['ServerReflectionInfo'] ?? assert.fail('no such method');
  const { path, requestSerialize, responseDeserialize } = method;
  const call = daemon().client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  return await new Promise((resolve, reject) => {
    call.on('error', reject);
    call.on('data', (answer: unknown) => {
      call.end();
      resolve(answer);
    });
    call.write(question);
  });
}
