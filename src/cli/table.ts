// Tables as kubectl prints them: upper-case headers, no borders, three spaces between columns.
import Table from 'cli-table3';

const none = '';
const noBorders = {
  top: none,
  'top-mid': none,
  'top-left': none,
  'top-right': none,
  bottom: none,
  'bottom-mid': none,
  'bottom-left': none,
  'bottom-right': none,
  left: none,
  'left-mid': none,
  mid: none,
  'mid-mid': none,
  right: none,
  'right-mid': none,
  middle: none,
} as const;

/** The table as text with a line feed after every line; an empty cell shows as `-`. */
export function formatTable(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    chars: noBorders,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 3 },
  });
  table.push([...headers], ...rows.map((row) => row.map((cell) => (cell === '' ? '-' : printable(cell)))));
  const lines = table.toString().split('\n');
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

/** Control characters, which could move the cursor or break the row, as escapes. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => JSON.stringify(character).slice(1, -1));
}

/** At most `limit` characters, with an ellipsis where some are left out. */
export function shorten(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

/** Labels as one cell: `a=1,b=2`, in the order of their keys. */
export function formatLabels(labels: Readonly<Record<string, string>>): string {
  const keys = Object.keys(labels).sort();
  return keys.map((key) => `${key}=${labels[key] ?? ''}`).join(',');
}
