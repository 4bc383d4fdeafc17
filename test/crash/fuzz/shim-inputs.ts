// What the ttrpc fuzzer sends: requests for every method of the shim with random messages, the same damaged anywhere in
// their frames, frames of random kinds, and noise.
import type { MethodDefinition } from '../../../src/ttrpc/definition.js';
import { ShimDefinition } from '../../../src/generated/berth/shim/v1/shim.js';
import { Options } from '../../../src/generated/containerd/runc/v1/oci.js';
import { TaskDefinition } from '../../../src/generated/containerd/task/v3/shim.js';
import { encodeRequest } from '../../../src/ttrpc/envelope.js';
import { frameHeaderBytes } from '../../../src/ttrpc/frame.js';
import { containerId, type TestShim } from '../../helpers/use-shim.js';
import type { Random } from '../chaos/random.js';
import { type Dictionary, MessageMaker } from './message-maker.js';
import { MessageShapes } from './message-shapes.js';

interface Target {
  readonly service: string;
  readonly method: MethodDefinition;
  /** The full name of the request's message. */
  readonly request: string;
}

/** A process id that no kernel gives: adopted processes are signalled. */
const noPids = [0, 4_194_305, 2 ** 31, 2 ** 32 - 1];
const maxNoiseBytes = 64;

export class ShimInputs {
  readonly targets: readonly Target[];
  readonly #random: Random;
  readonly #maker: MessageMaker;

  constructor(shim: TestShim, random: Random) {
    const shapes = new MessageShapes([
      'containerd/task/v2/shim.proto',
      'containerd/task/v3/shim.proto',
      'berth/shim/v1/shim.proto',
    ]);
    const requests = new Map(shapes.rpcs.map(({ path, request }) => [path, request]));
    const services = {
      'containerd.task.v2.Task': TaskDefinition,
      'containerd.task.v3.Task': TaskDefinition,
      [ShimDefinition.fullName]: ShimDefinition,
    };
    this.targets = Object.entries(services).flatMap(([service, { methods }]) =>
      Object.values<MethodDefinition>(methods)
        // It does what it says.
        .filter(({ name }) => name !== 'Shutdown')
        .map((method) => ({ service, method, request: requests.get(`/${service}/${method.name}`) ?? '' })),
    );
    this.#random = random;
    this.#maker = new MessageMaker(shapes, dictionary(shim), random);
  }

  /** The next frame, and the call that it stands for. */
  next(streamId: number): { readonly call: string; readonly bytes: Buffer } {
    const kind = this.#random.below(20);
    if (kind === 0) return { call: 'noise', bytes: this.#maker.noise(1 + this.#random.below(maxNoiseBytes)) };
    if (kind === 1) return { call: 'frame', bytes: this.#frame(streamId) };
    const { service, method, request } = this.#random.pick(this.targets);
    const call = `${service}/${method.name}`;
    // Damaged, it might name a process of the host's.
    const isAdopt = method.name === 'Adopt';
    const payload = isAdopt ? this.#maker.shaped(request) : this.#maker.any(request);
    const timeoutNanos = this.#random.pick([0n, 0n, 0n, -1n, 1n, 1_000_000_000n]);
    const flags = method.requestStream ? this.#random.pick([0, 1, 2, 5]) : 0;
    const metadata = new Map([[this.#maker.text('key'), [this.#maker.text('value-of-key')]]]);
    const frame = Buffer.from(
      encodeRequest(streamId, flags, { service, method: method.name, timeoutNanos, metadata }, (writer) =>
        writer.raw(payload),
      ),
    );
    return { call, bytes: kind < 5 && !isAdopt ? this.#maker.mutated(frame) : frame };
  }

  /** A whole frame of any type, with or without sense. */
  #frame(streamId: number): Buffer {
    const payload = this.#maker.noise(this.#random.below(maxNoiseBytes));
    const header = Buffer.alloc(frameHeaderBytes);
    header.writeUInt32BE(this.#random.pick([payload.length, payload.length, 0, 4 * 1024 * 1024 + 1, 2 ** 32 - 1]));
    header.writeUInt32BE(this.#random.pick([streamId, 0, 1, 2, streamId + 1, 2 ** 32 - 1]), 4);
    header[8] = this.#random.below(6);
    header[9] = this.#random.below(256);
    return Buffer.concat([header, payload]);
  }
}

function dictionary(shim: TestShim): Dictionary {
  const options = Buffer.from(Options.encode(Options.fromPartial({ root: shim.runcRoot })).finish());
  const exec = Buffer.from(
    JSON.stringify({ args: ['/bin/true'], cwd: '/', user: { uid: 0, gid: 0 }, env: ['PATH=/bin'] }),
  );
  const nothing = `${shim.scope.directory}/nothing`;
  const sinks = ['', '', `file://${shim.scope.directory}/out`, nothing, 'ftp://x'];
  return {
    id: [containerId],
    execId: ['', 'e1', 'e2'],
    bundle: [shim.bundle],
    checkpoint: ['', '', '', nothing],
    parentCheckpoint: [''],
    path: [nothing],
    stdin: ['', '', nothing],
    stdout: sinks,
    stderr: sinks,
    type: ['tmpfs', 'nosuch'],
    source: ['tmpfs'],
    target: ['', 'a', '../..'],
    options: ['ro', 'size=64k', 'nosuch=1'],
    typeUrl: ['containerd.runc.v1.Options', 'types.containerd.io/opencontainers/runtime-spec/1/Process', 'x'],
    value: [options, options, exec, Buffer.from('{}'), Buffer.from('{"memory":{"limit":16777216}}')],
    pid: noPids,
    signal: [0, 1, 9, 15, 64, 65],
    status: [0, 1, 2, 3, 4, 5],
    after: [0, 1],
    acknowledged: [0, 1],
  };
}
