// A checkpoint of the catalogue as JSON, its spec decoded.
import type { Checkpoint } from '../generated/berth/v1/checkpoints.js';
import { decodeAny } from './any-types.js';
import { type Json, jsonFromMessage, jsonFromTimestamp } from './json-value.js';

export function checkpointJson({ createdAt, spec, ...rest }: Checkpoint): Json {
  const { name, containerId, options, parent, size, criuVersion, runtimeVersion, imagePath, files } = rest;
  return {
    name,
    containerId,
    createdAt: jsonFromTimestamp(createdAt),
    options: jsonFromMessage(options),
    parent,
    size: jsonFromMessage(size),
    criuVersion,
    runtimeVersion,
    imagePath,
    files: jsonFromMessage(files),
    spec: spec === undefined ? null : jsonFromMessage(decodeAny(spec)),
  };
}
