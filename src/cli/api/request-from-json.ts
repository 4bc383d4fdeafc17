// Turns JSON that a person wrote into the object that proto-loader serialises, and refuses what protobufjs would drop
// in silence: unknown fields, values of a wrong type, unknown names of enums.
import { UsageError } from '../cli-error.js';
import { encodeAny } from '../any-types.js';
import { messageOf } from '../../domain/errors.js';
import type { ApiSchema, Field, Message } from './schema.js';

/** Field names may be in camelCase or as the proto file has them; times are RFC 3339; an Any has its '@type'. */
export function requestFromJson(schema: ApiSchema, message: Message, value: unknown): Record<string, unknown> {
  return fromMessage(schema, message, value, message.fullName);
}

const integerTypes = /^TYPE_(?:U?INT|S?FIXED|SINT)(?:32|64)$/;

function fromMessage(schema: ApiSchema, message: Message, value: unknown, path: string): Record<string, unknown> {
  if (!isObject(value)) throw new UsageError(`${path} must be an object`);
  const result: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    const field = message.fields.find(({ name }) => name === key || name === camelCase(key));
    if (field === undefined) {
      const known = message.fields.map(({ name }) => name).join(', ');
      throw new UsageError(`${path} has no field ${JSON.stringify(key)}; it has ${known || 'none'}`);
    }
    if (member !== null) result[field.name] = fromField(schema, message, field, member, `${path}.${field.name}`);
  }
  return result;
}

function fromField(schema: ApiSchema, owner: Message, field: Field, value: unknown, path: string): unknown {
  const entry = field.type === 'TYPE_MESSAGE' ? schema.findMessage(field.typeName, owner.fullName) : undefined;
  if (entry?.isMapEntry === true) return fromMap(schema, entry, value, path);
  if (!field.repeated) return fromSingle(schema, owner, field, value, path);
  if (!Array.isArray(value)) throw new UsageError(`${path} must be an array`);
  return value.map((item, index) => fromSingle(schema, owner, field, item, `${path}[${index}]`));
}

function fromMap(schema: ApiSchema, entry: Message, value: unknown, path: string): Record<string, unknown> {
  const field = entry.fields.find(({ name }) => name === 'value');
  if (!isObject(value) || field === undefined) throw new UsageError(`${path} must be an object`);
  const members = Object.entries(value).map(([key, member]) => {
    return [key, fromSingle(schema, entry, field, member, `${path}[${JSON.stringify(key)}]`)];
  });
  return Object.fromEntries(members) as Record<string, unknown>;
}

function fromSingle(schema: ApiSchema, owner: Message, field: Field, value: unknown, path: string): unknown {
  if (field.type === 'TYPE_MESSAGE') {
    const message = schema.findMessage(field.typeName, owner.fullName);
    return message === undefined
      ? value
      : (wellKnown(message, value, path) ?? fromMessage(schema, message, value, path));
  }
  if (field.type === 'TYPE_ENUM') return checkEnum(schema.findEnum(field.typeName, owner.fullName), value, path);
  return checkScalar(field.type, value, path);
}

/** Messages that JSON writes in a form of their own; undefined where the value is in the plain form. */
function wellKnown(message: Message, value: unknown, path: string): Record<string, unknown> | undefined {
  if (message.fullName === 'google.protobuf.Timestamp' && typeof value === 'string') return timestamp(value, path);
  if (message.fullName === 'google.protobuf.FieldMask' && typeof value === 'string') {
    return { paths: value.split(',').filter((part) => part !== '') };
  }
  if (message.fullName === 'google.protobuf.Any' && isObject(value)) return any(value, path);
  return undefined;
}

function any(value: Readonly<Record<string, unknown>>, path: string): Record<string, unknown> {
  const { '@type': typeUrl, ...fields } = value;
  if (typeof typeUrl !== 'string') throw new UsageError(`${path} needs its type in "@type"`);
  // As `berth` prints what it does not know.
  if (Object.keys(fields).length === 1 && typeof fields['value'] === 'string') {
    return { type_url: typeUrl, value: Buffer.from(fields['value'], 'base64') };
  }
  try {
    return { type_url: typeUrl, value: encodeAny(typeUrl, fields).value };
  } catch (error) {
    throw new UsageError(`${path}: ${messageOf(error)}`);
  }
}

function timestamp(text: string, path: string): Record<string, unknown> {
  const match = /^(.*?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  const millis = Date.parse(`${match?.[1]}${match?.[3]}`);
  if (match === null || Number.isNaN(millis))
    throw new UsageError(`${path} must be a time such as 2026-01-31T12:00:00Z`);
  return { seconds: Math.floor(millis / 1000), nanos: Number((match[2] ?? '').padEnd(9, '0')) };
}

function checkEnum(names: readonly string[] | undefined, value: unknown, path: string): unknown {
  const known = typeof value === 'number' || (typeof value === 'string' && (names?.includes(value) ?? true));
  if (!known) throw new UsageError(`${path} must be one of ${names?.join(', ')}`);
  return value;
}

function checkScalar(type: string, value: unknown, path: string): unknown {
  if (type === 'TYPE_BYTES') {
    if (typeof value !== 'string') throw new UsageError(`${path} must be bytes in base64`);
    return Buffer.from(value, 'base64');
  }
  const [expected, fits] = expectation(type, value);
  if (!fits) throw new UsageError(`${path} must be ${expected}`);
  return value;
}

function expectation(type: string, value: unknown): [string, boolean] {
  if (type === 'TYPE_STRING') return ['a string', typeof value === 'string'];
  if (type === 'TYPE_BOOL') return ['true or false', typeof value === 'boolean'];
  if (!integerTypes.test(type)) return ['a number', typeof value === 'number'];
  return ['a whole number', Number.isInteger(value) || (typeof value === 'string' && /^-?\d+$/.test(value))];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
