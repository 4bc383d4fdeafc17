// A service definition together with the functions that answer it.
import type { CallContext, Implementation, MethodDefinition, ServiceDefinition } from './definition.js';

/** Types are erased here; `implement` is what holds them together. */
export type AnyHandler = (input: unknown, context: CallContext) => Promise<unknown> | AsyncIterable<unknown>;

export interface ServiceMethod {
  readonly definition: MethodDefinition;
  readonly handler: AnyHandler;
}

export interface Service {
  readonly fullName: string;
  /** By the name on the wire. */
  readonly methods: ReadonlyMap<string, ServiceMethod>;
}

/**
 * Handlers throw a BerthError for a failure the client is to see; anything else becomes `unknown` and is reported.
 * They are called with `methods` as `this`. Those of streams are to end soon after their signal aborts.
 */
export function implement<D extends ServiceDefinition>(definition: D, methods: Implementation<D>): Service {
  const entries = Object.entries(definition.methods).map(([key, method]): [string, ServiceMethod] => {
    const handler = methods[key] as AnyHandler;
    return [method.name, { definition: method, handler: handler.bind(methods) }];
  });
  return { fullName: definition.fullName, methods: new Map(entries) };
}
