// How does a request leave the page? By the browser's own fetch, whatever the page put in its place; by XMLHttpRequest
// where that is gone; and to the next address when an address can't be reached.

import { attempt, guard } from "./guard";

/** Browsers allow 64 KiB of bodies that outlive the page, all together. */
export const KEEPALIVE_MAX_BYTES = 60_000;
const TIMEOUT_MS = 10_000;

/** `status` is 0 if there was no answer; `pauseMs` is what the server asked for. */
export type Done = (status: number, pauseMs: number) => unknown;

// Pages and their tools replace fetch, some by something broken. What isn't the browser's own isn't used.
const given = globalThis.fetch;
/** Requests under way outlive the page. */
export const isLasting = !!attempt(() => /fetch\(\) {\s+\[native/.test(`${given}`));

let urls: string[] = [];
let at = 0;

/** The addresses of a server: several where blockers refuse the first. */
export function openWire(hosts: string[]): void {
  // Taking addresses apart would cost more than putting them together. A path is one of the page's origin.
  urls = hosts.map((host) => `${/^\/\w/.test(host) ? location.origin : ""}${host.replace(/\/+$/, "")}/v1/batch`);
}

const url = (): string => urls[at % urls.length]!;

/** How many other addresses there are to try. */
export const nOthers = (): number => urls.length - 1;

/** One request; if the address can't be reached, the next one goes to the next address. */
export function post(body: string, withCookies: boolean, done: Done): void {
  const finish = (status: number, retryAfter?: string | null): void => {
    if (!status) at++;
    guard(() => done(status, +retryAfter! * 1_000 || 0));
  };
  if (isLasting) {
    given(url(), {
      method: "POST",
      body,
      keepalive: body.length < 2e4 || new Blob([body]).size <= KEEPALIVE_MAX_BYTES,
      credentials: withCookies ? "include" : "omit",
      redirect: "error",
      signal: AbortSignal.timeout?.(TIMEOUT_MS),
    }).then(
      (response) => finish(response.status, response.headers.get("Retry-After")),
      () => finish(0),
    );
  } else {
    const http = new XMLHttpRequest();
    http.open("POST", url());
    http.timeout = TIMEOUT_MS;
    http.withCredentials = withCookies;
    http.onloadend = () => finish(http.status, http.getResponseHeader("Retry-After"));
    http.send(body);
  }
}

/** Whether the browser took it over, to be sent after the page is gone. */
export function beacon(body: string): boolean {
  return navigator.sendBeacon?.(url(), body);
}

/** Is the server on the page's own site, so that it may set cookies for it? */
export const isWithin = (domain: string): boolean =>
  `.${new URL(url(), location.href).hostname}`.endsWith(`.${domain || location.hostname}`);
