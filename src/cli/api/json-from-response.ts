// What proto-loader deserialised, in the JSON that `berth` prints everywhere: times, Any and bytes made readable.
import { type Json, jsonFromMessage } from '../json-value.js';

export function jsonFromResponse(message: object): Json {
  return jsonFromMessage(generatedShape(message));
}

/** proto-loader's Any and Timestamp as ts-proto has them. */
function generatedShape(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(generatedShape);
  if ('type_url' in value && 'value' in value) return { typeUrl: value.type_url, value: value.value };
  if ('seconds' in value && typeof value.seconds === 'string' && 'nanos' in value) {
    return { seconds: BigInt(value.seconds), nanos: value.nanos };
  }
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, generatedShape(member)]));
}
