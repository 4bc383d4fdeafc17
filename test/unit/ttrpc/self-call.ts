// Run by single-threaded.test.ts in a process of its own: calls its own server, then must end by itself.
import { EchoDefinition, startEcho, text } from './echo.js';

const server = await startEcho();
const client = server.connect().client(EchoDefinition);
const calls = await Promise.all(Array.from({ length: 1_000 }, (_, i) => client.unary(text(String(i)))));
let messages = 0;
for await (const _ of client.count(text('1000'))) messages += 1;
await server[Symbol.asyncDispose]();
console.log(`${calls.length} calls, ${messages} messages`);
