// The shapes of requests, read from proto/ by @grpc/proto-loader: what a fuzzer has to know of a message to write one.
import { join } from 'node:path';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { projectRoot } from '../../helpers/daemon.js';

export interface Field {
  readonly name: string;
  readonly number: number;
  /** As in descriptor.proto: `TYPE_STRING`, `TYPE_MESSAGE`. */
  readonly type: string;
  readonly repeated: boolean;
  /** Of a message. */
  readonly message: string;
}

export type Shape = readonly Field[];

/** What proto-loader gives beside its types: the descriptor, field names in camel case, type names relative. */
interface Descriptor {
  readonly name: string;
  readonly field: readonly {
    readonly name: string;
    readonly number: number;
    readonly type: string;
    readonly label: string;
    readonly typeName: string;
  }[];
  readonly nestedType: readonly Descriptor[];
}

export interface RpcShape {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** The full name of the request's message. */
  readonly request: string;
}

export class MessageShapes {
  readonly rpcs: readonly RpcShape[];
  readonly #shapes = new Map<string, Shape>();
  readonly #descriptors = new Map<string, Descriptor>();

  /** `protos` are files below proto/. */
  constructor(protos: readonly string[]) {
    const proto = join(projectRoot, 'proto');
    const loaded = loadSync(
      protos.map((file) => join(proto, file)),
      { includeDirs: [proto] },
    );
    for (const [name, definition] of Object.entries(loaded)) {
      if ('format' in definition && 'field' in definition.type) this.#add(name, definition.type as Descriptor);
    }
    for (const [name, descriptor] of this.#descriptors) this.#shapes.set(name, this.#shapeOf(name, descriptor));
    this.rpcs = rpcsOf(loaded, this.#descriptors);
  }

  shape(message: string): Shape {
    const shape = this.#shapes.get(message);
    if (shape === undefined) throw new Error(`no message ${message}`);
    return shape;
  }

  #add(name: string, descriptor: Descriptor): void {
    this.#descriptors.set(name, descriptor);
    for (const nested of descriptor.nestedType) this.#add(`${name}.${nested.name}`, nested);
  }

  #shapeOf(scope: string, descriptor: Descriptor): Shape {
    return descriptor.field.map(({ name, number, type, label, typeName }) => ({
      name,
      number,
      type,
      repeated: label === 'LABEL_REPEATED',
      message: type === 'TYPE_MESSAGE' ? this.#resolve(scope, typeName) : '',
    }));
  }

  /** As protobuf does: in the message itself, then in each scope around it. */
  #resolve(scope: string, typeName: string): string {
    const parts = scope.split('.');
    for (let length = parts.length; length >= 0; length--) {
      const name = [...parts.slice(0, length), typeName].join('.');
      if (this.#descriptors.has(name)) return name;
    }
    throw new Error(`${scope} names an unknown message ${typeName}`);
  }
}

function rpcsOf(loaded: PackageDefinition, descriptors: ReadonlyMap<string, Descriptor>): RpcShape[] {
  const names = new Map([...descriptors].map(([name, descriptor]) => [descriptor, name]));
  return Object.values(loaded).flatMap((definition) => {
    if ('format' in definition) return [];
    return Object.values(definition).map(({ path, requestType }) => {
      const request = names.get(requestType.type as Descriptor) ?? requestName(requestType.type, descriptors);
      return { path, request };
    });
  });
}

/** Methods have descriptors of their own, equal to those of the messages. */
function requestName(type: object, descriptors: ReadonlyMap<string, Descriptor>): string {
  const wanted = JSON.stringify(type);
  for (const [name, descriptor] of descriptors) if (JSON.stringify(descriptor) === wanted) return name;
  throw new Error(`a request of an unknown message: ${wanted}`);
}
