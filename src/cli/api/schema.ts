// The services and messages of the installed proto/ folder, loaded at run time, so that any call can be made by name.
import { readdirSync } from 'node:fs';
import type { MethodDefinition } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { UsageError } from '../cli-error.js';
import { protoDirectory } from '../package-files.js';

export interface ApiMethod {
  /** The full name, such as containerd.services.tasks.v1.Tasks. */
  readonly service: string;
  readonly name: string;
  readonly definition: MethodDefinition<object, object>;
  readonly requestType: string;
  readonly responseType: string;
}

export interface Field {
  readonly name: string;
  readonly repeated: boolean;
  /** TYPE_STRING, TYPE_MESSAGE and so on, of google.protobuf.FieldDescriptorProto. */
  readonly type: string;
  /** Of a message or enum, as the proto file has it, so perhaps relative. */
  readonly typeName: string;
}

export interface Message {
  readonly fullName: string;
  readonly fields: readonly Field[];
  readonly isMapEntry: boolean;
}

/** google.protobuf.DescriptorProto and EnumDescriptorProto, as proto-loader gives them. */
interface Descriptor {
  readonly name: string;
  readonly field?: readonly { name: string; label: string; type: string; typeName: string }[];
  readonly nestedType?: readonly Descriptor[];
  readonly enumType?: readonly Descriptor[];
  readonly value?: readonly { readonly name: string }[];
  readonly options?: { readonly mapEntry?: boolean } | null;
}

/** Spoken between berthd and its shims only, not on berthd's socket. */
const shimServices = /^(?:containerd\.task|berth\.shim|containerd\.services\.events\.ttrpc)\./;

export class ApiSchema {
  readonly methods: readonly ApiMethod[];
  readonly #messages = new Map<string, Message>();
  readonly #enums = new Map<string, readonly string[]>();

  constructor(definition: PackageDefinition) {
    const methods: ApiMethod[] = [];
    for (const [fullName, entry] of Object.entries(definition)) {
      if ('format' in entry) this.#addType(fullName, entry.type as Descriptor);
      else if (!shimServices.test(fullName)) {
        for (const [name, method] of Object.entries(entry)) methods.push(apiMethod(fullName, name, method));
      }
    }
    this.methods = methods.sort((a, b) => (methodName(a) < methodName(b) ? -1 : 1));
  }

  /** `SERVICE/METHOD`, the service in full or by its last part or parts where that is enough. */
  findMethod(name: string): ApiMethod {
    const [service = '', method, ...rest] = name.replace(/^\//, '').split('/');
    if (method === undefined || rest.length > 0) {
      throw new UsageError(`${JSON.stringify(name)} is not of the form SERVICE/METHOD (see 'berth api ls')`);
    }
    const inService = this.methods.filter((one) => one.service === service || one.service.endsWith(`.${service}`));
    const found = inService.filter((one) => one.name === method);
    const [only] = found;
    if (only === undefined) {
      const what = inService.length === 0 ? `service ${JSON.stringify(service)}` : `method ${JSON.stringify(name)}`;
      throw new UsageError(`unknown ${what} (see 'berth api ls')`);
    }
    if (found.length > 1) throw new UsageError(`${name} may be ${found.map(methodName).join(' or ')}: say which`);
    return only;
  }

  /** The message that `typeName` means within `scope`; undefined where the folder has none. */
  findMessage(typeName: string, scope: string): Message | undefined {
    return findInScope(this.#messages, typeName, scope);
  }

  /** The names of an enum's values. */
  findEnum(typeName: string, scope: string): readonly string[] | undefined {
    return findInScope(this.#enums, typeName, scope);
  }

  #addType(fullName: string, descriptor: Descriptor): void {
    if (descriptor.value !== undefined) {
      this.#enums.set(
        fullName,
        descriptor.value.map(({ name }) => name),
      );
      return;
    }
    const fields = (descriptor.field ?? []).map(({ name, label, type, typeName }) => {
      return { name, type, typeName: typeName.replace(/^\./, ''), repeated: label === 'LABEL_REPEATED' };
    });
    this.#messages.set(fullName, { fullName, fields, isMapEntry: descriptor.options?.mapEntry === true });
    const nested = [...(descriptor.nestedType ?? []), ...(descriptor.enumType ?? [])];
    for (const type of nested) this.#addType(`${fullName}.${type.name}`, type);
  }
}

export function loadApiSchema(): ApiSchema {
  const files = readdirSync(protoDirectory, { recursive: true, encoding: 'utf8' });
  const definition = loadSync(
    files.filter((file) => file.endsWith('.proto')),
    { includeDirs: [protoDirectory], longs: String, enums: String, defaults: true, oneofs: true },
  );
  return new ApiSchema(definition);
}

export function methodName({ service, name }: ApiMethod): string {
  return `${service}/${name}`;
}

/** From the innermost scope outwards, as protobuf has it; then among the types that every package uses. */
function findInScope<T>(types: ReadonlyMap<string, T>, typeName: string, scope: string): T | undefined {
  const parts = scope.split('.');
  for (let length = parts.length; length >= 0; length -= 1) {
    const found = types.get([...parts.slice(0, length), typeName].join('.'));
    if (found !== undefined) return found;
  }
  return types.get(`google.protobuf.${typeName}`);
}

function apiMethod(service: string, name: string, definition: MethodDefinition<object, object>): ApiMethod {
  const { requestType, responseType } = definition as unknown as Record<string, { readonly type: Descriptor }>;
  return {
    service,
    name,
    definition,
    requestType: requestType?.type.name ?? '',
    responseType: responseType?.type.name ?? '',
  };
}
