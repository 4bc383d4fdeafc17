// What the runtime said last before it failed: the last error of its JSON log, else the last line of anything else that
// came (a Go panic, a wrapper script's complaint).

/** Longer messages (a panic with all its stacks) are cut; they travel in a status over the wire. */
const maxMessageLength = 4096;

export function lastError(log: string): string | undefined {
  let error: string | undefined;
  let text: string | undefined;
  for (const line of log.split('\n')) {
    if (line.trim() === '') continue;
    const entry = parseEntry(line);
    if (entry === undefined) text = line.trim();
    else if (entry.level === 'error' || entry.level === 'fatal') error = entry.msg;
  }
  return (error ?? text)?.slice(0, maxMessageLength);
}

function parseEntry(line: string): { readonly level: string; readonly msg: string } | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || !('level' in value) || !('msg' in value)) return undefined;
    if (typeof value.level !== 'string' || typeof value.msg !== 'string') return undefined;
    return { level: value.level, msg: value.msg.trim() };
  } catch {
    return undefined;
  }
}
