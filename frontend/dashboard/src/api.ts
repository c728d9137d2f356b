// How do we ask the server? One function; it adds the CSRF token, and turns every refusal into one kind of error.

import { signal } from "@preact/signals";
import type { Me } from "./types";

/** Who is signed in: `undefined` until we know, `null` if nobody. */
export const me = signal<Me | null | undefined>(undefined);
/** Number of the site that is looked at. */
export const site = signal<number | null>(null);

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export const may = (permission: string) => me.value?.permissions.includes(permission) ?? false;

export type Query = Record<string, string | number | boolean | null | undefined>;

export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  if (site.value !== null && (me.value?.sites.length ?? 0) > 1) search.set("site", String(site.value));
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

async function ask<T>(method: string, url: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && me.value) headers["X-CSRF-Token"] = me.value.csrf ?? "";
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers,
      credentials: "same-origin",
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refusal(0, "unreachable", "The server can't be reached. It is tried again by itself.");
  }
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer as T;
  if (response.status === 401 && me.value) me.value = null;
  throw new Refusal(
    response.status,
    String(answer?.code ?? "error"),
    String(answer?.message ?? `The server answered ${response.status}.`),
  );
}

export const get = <T>(path: string, query?: Query, signal?: AbortSignal) =>
  ask<T>("GET", address(path, query), undefined, signal);

export const post = <T>(path: string, body: unknown = {}) => ask<T>("POST", address(path), body);

export async function loadMe(): Promise<void> {
  try {
    const answer = await ask<Me>("GET", "/api/me");
    const before = me.value?.sites.find(({ number }) => number === site.value);
    site.value = before?.number ?? answer.sites[0]?.number ?? null;
    me.value = answer;
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) me.value = null;
    else throw error;
  }
}
