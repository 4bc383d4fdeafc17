// `berth api ls`: what `berth api call` can call.
import { loadApiSchema, methodName } from '../api/schema.js';
import type { CommandDefinition } from '../session.js';

const help = `
Lists what this version of berth knows, from its proto files; asks no daemon.

JSON: an array of {service, method, request, response, requestStream, responseStream}.

Examples:
  berth api ls
  berth api ls Tasks`;

export const apiLs: CommandDefinition = (command, session) => {
  command
    .argument('[text]', 'only methods whose name has this in it')
    .addHelpText('after', help)
    .action(async (text = '') => {
      const wanted = String(text).toLowerCase();
      const methods = loadApiSchema().methods.filter((method) => methodName(method).toLowerCase().includes(wanted));
      const rows = methods.map(({ service, name, requestType, responseType, definition }) => ({
        service,
        method: name,
        request: requestType,
        response: responseType,
        requestStream: definition.requestStream,
        responseStream: definition.responseStream,
      }));
      if (session.wantsJson) return session.printJson(rows);
      const cells = rows.map(({ service, method, request, response, requestStream, responseStream }) => [
        `${service}/${method}`,
        requestStream ? `stream ${request}` : request,
        responseStream ? `stream ${response}` : response,
      ]);
      await session.printTable(['METHOD', 'REQUEST', 'RESPONSE'], cells);
    });
};
