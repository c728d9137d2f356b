// What of a stranger's value may go into an event? A copy of plain data, bounded before anything is written as JSON.

import { attempt } from "./guard";

export type Json = Record<string, unknown>;

const NODES_MAX = 1_000;
const DEPTH_MAX = 8;
const TEXT_MAX = 4_000;
/** Keeps an event below the 32 KB that the server takes, in most languages. */
const CHARS_MAX = 16_000;

/** An object without a prototype, so that no key of a page or an attribute can reach one; later parts win. */
export const plain = (...parts: (object | null | undefined | false)[]): Json =>
  Object.assign(Object.create(null), ...parts);

export const object = (value: unknown): Json | undefined =>
  value && typeof value === "object" ? (value as Json) : undefined;

/**
 * Copy data of unknown origin: getters may throw, proxies lie, structures be endless and texts huge.
 * Texts are cut at 4,000 characters; past 16,000 characters, 1,000 values or 8 levels the rest is left out, and so
 * are functions, elements and what contains itself.
 */
export function copy(given: unknown): unknown {
  let nNodes = NODES_MAX;
  let nChars = CHARS_MAX;
  const walk = (value: unknown, above: unknown[]): unknown => {
    if (typeof value === "string") {
      const text = value.slice(0, Math.min(TEXT_MAX, nChars));
      nChars -= text.length;
      return text;
    }
    const from = object(value);
    if (!from) return typeof value === "bigint" ? `${value}` : value;
    if (above.length > DEPTH_MAX || above.includes(from) || from["nodeType"] || ArrayBuffer.isView(from))
      return undefined;
    const path = [...above, from];
    if (from["toJSON"]) return walk((from as unknown as Date).toJSON(), path);
    const isList = Array.isArray(from);
    const to = isList ? ([] as unknown as Json) : plain();
    const names = Object.keys(isList ? from.slice(0, NODES_MAX) : from);
    const isLong = (name: string): unknown => attempt(() => object(from[name]));
    // What is short goes first: an order keeps its id and value, however many lines stand before them.
    for (const key of [...names.filter((name) => !isLong(name)), ...names.filter(isLong)]) {
      nChars -= key.length;
      if (nNodes-- < 1 || nChars < 1) break;
      const part = attempt(() => walk(from[key], path));
      if (part !== undefined) to[key] = part;
    }
    return to;
  };
  return attempt(() => walk(given, []));
}
