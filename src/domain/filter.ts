// containerd's filter language: `field.path==value, other~=regexp`. Commas mean and; several filters mean or. White space
// between tokens means nothing: newer clients of containerd write some (its pkg/filters/scanner.go).
import { BerthError } from './errors.js';

type Operator = '==' | '!=' | '~=';

interface Selector {
  readonly path: readonly string[];
  /** Absent: the field only has to be there. */
  readonly test?: { readonly operator: Operator; readonly value: string; readonly pattern?: RegExp };
}

/** Looks a field up by its path; undefined where the object has no such field. */
export type FieldLookup = (path: readonly string[]) => string | undefined;

export type Filter = (lookup: FieldLookup) => boolean;

/** One predicate of all filters; none at all match everything. Throws `invalid-argument` on bad syntax. */
export function parseFilters(texts: readonly string[]): Filter {
  const alternatives = texts.map(parseFilter);
  if (alternatives.length === 0) return () => true;
  return (lookup) => alternatives.some((selectors) => selectors.every((selector) => matches(selector, lookup)));
}

/** The value at the rest of a path in a string map, as `labels."a.b"` asks for. */
export function mapField(map: Readonly<Record<string, string>>, rest: readonly string[]): string | undefined {
  const key = rest.join('.');
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

function matches({ path, test }: Selector, lookup: FieldLookup): boolean {
  const found = lookup(path);
  if (test === undefined) return found !== undefined;
  switch (test.operator) {
    case '==':
      return found === test.value;
    case '!=':
      return found !== test.value;
    case '~=':
      return test.pattern?.test(found ?? '') ?? false;
  }
}

function parseFilter(text: string): readonly Selector[] {
  const scanner = new Scanner(text);
  const selectors: Selector[] = [];
  while (!scanner.done()) {
    selectors.push(parseSelector(scanner));
    if (!scanner.done()) scanner.expect(',');
  }
  return selectors;
}

function parseSelector(scanner: Scanner): Selector {
  const path = [scanner.field()];
  while (scanner.skip('.')) path.push(scanner.field());
  const operator = scanner.operator();
  if (operator === undefined) return { path };
  const value = scanner.value();
  if (operator !== '~=') return { path, test: { operator, value } };
  return { path, test: { operator, value, pattern: scanner.compile(value) } };
}

class Scanner {
  #position = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  done(): boolean {
    this.#skipSpace();
    return this.#position >= this.#text.length;
  }

  skip(token: string): boolean {
    this.#skipSpace();
    if (!this.#text.startsWith(token, this.#position)) return false;
    this.#position += token.length;
    return true;
  }

  expect(token: string): void {
    if (!this.skip(token)) this.#fail(`expected "${token}"`);
  }

  field(): string {
    this.#skipSpace();
    return this.#quoted(['"']) ?? this.#match(/[A-Za-z0-9_-]+/y) ?? this.#fail('expected a field');
  }

  operator(): Operator | undefined {
    this.#skipSpace();
    const found = this.#match(/[=!~]=/y);
    return found as Operator | undefined;
  }

  value(): string {
    this.#skipSpace();
    return this.#quoted(['"', '/', '|']) ?? this.#match(/[^\s,]+/y) ?? this.#fail('expected a value');
  }

  compile(source: string): RegExp {
    try {
      return new RegExp(source);
    } catch (error) {
      return this.#fail(`bad regular expression ${JSON.stringify(source)}`, error);
    }
  }

  #skipSpace(): void {
    this.#match(/\s+/y);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#position += found.length;
    return found;
  }

  #quoted(quotes: readonly string[]): string | undefined {
    const quote = this.#text.charAt(this.#position);
    if (quote === '' || !quotes.includes(quote)) return undefined;
    let content = '';
    for (let at = this.#position + 1; at < this.#text.length; at++) {
      const character = this.#text.charAt(at);
      if (character === quote) {
        this.#position = at + 1;
        return content;
      }
      if (character !== '\\') {
        content += character;
        continue;
      }
      at++;
      content += unescaped(this.#text.charAt(at), quote);
    }
    return this.#fail('unterminated quote');
  }

  #fail(reason: string, cause?: unknown): never {
    const message = `filter ${JSON.stringify(this.#text)}: ${reason} at character ${this.#position + 1}`;
    throw new BerthError('invalid-argument', message, { cause });
  }
}

/** What an escape stands for; in a regular expression's quotes every escape but the quote's own is the expression's. */
function unescaped(character: string, quote: string): string {
  if (character === quote) return character;
  if (quote !== '"') return `\\${character}`;
  return { n: '\n', t: '\t', r: '\r', '\\': '\\' }[character] ?? `\\${character}`;
}
