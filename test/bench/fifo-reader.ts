// A program: reads a FIFO to its end with big synchronous reads, throws the bytes away, and prints how many there were and
// how long they took from the first to the last.
import { openSync, readSync } from 'node:fs';

const bufferBytes = 1024 * 1024;

const [path = ''] = process.argv.slice(2);
const fd = openSync(path, 'r');
const buffer = Buffer.allocUnsafe(bufferBytes);
let bytes = readSync(fd, buffer);
const start = performance.now();
for (let read = bytes; read > 0; bytes += read) read = readSync(fd, buffer);
console.log(JSON.stringify({ bytes, milliseconds: performance.now() - start }));
