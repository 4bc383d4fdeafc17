// `berth api call`: any RPC of the daemon, with JSON for request and response.
import { text } from 'node:stream/consumers';
import { messageOf } from '../../domain/errors.js';
import { jsonFromResponse } from '../api/json-from-response.js';
import { requestFromJson } from '../api/request-from-json.js';
import { type ApiMethod, type ApiSchema, loadApiSchema } from '../api/schema.js';
import { UsageError } from '../cli-error.js';
import type { CommandDefinition } from '../session.js';

const help = `
The service may be shortened: Tasks/List. The request is a JSON object, {} where none is given, and - reads it from
standard input; for a method that takes a stream of requests, one on each line. Field names are in camelCase or as the
proto files have them, 64-bit integers may be strings, bytes are base64, times RFC 3339; an Any is its fields and
"@type".

Prints the response as JSON; a stream of responses as one line each, until it ends or is interrupted.

Examples:
  berth api call Version/Version
  berth api call Tasks/Kill '{"containerId": "web", "signal": 15}'
  berth api call containerd.services.events.v1.Events/Subscribe '{"filters": ["topic~=^/tasks/"]}'`;

export const apiCall: CommandDefinition = (command, session) => {
  command
    .argument('<method>', 'SERVICE/METHOD')
    .argument('[json]', 'the request, or - to read it from standard input', '{}')
    .addHelpText('after', help)
    .action(async (name: string, json: string) => {
      const schema = loadApiSchema();
      const method = schema.findMethod(name);
      const requests = parseRequests(schema, method, json === '-' ? await text(process.stdin) : json);
      const connection = await session.connect();
      const { definition } = method;
      for await (const response of connection.callAny(definition, requests)) {
        if (definition.responseStream) session.printJsonLine(jsonFromResponse(response));
        else session.printJson(jsonFromResponse(response));
      }
    });
};

function parseRequests(schema: ApiSchema, method: ApiMethod, json: string): object[] {
  const { service, requestType, definition } = method;
  const documents = definition.requestStream ? json.split('\n').filter((line) => line.trim() !== '') : [json];
  const message = schema.findMessage(requestType, service);
  return documents.map((document) => {
    const value = parseDocument(document);
    return message === undefined ? (value as object) : requestFromJson(schema, message, value);
  });
}

function parseDocument(document: string): unknown {
  try {
    return JSON.parse(document) as unknown;
  } catch (error) {
    throw new UsageError(`the request is not JSON: ${messageOf(error)}`);
  }
}
