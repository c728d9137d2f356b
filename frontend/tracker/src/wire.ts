// How does a request leave the page? By the browser's own fetch, whatever the page put in its place; by XMLHttpRequest
// where that is gone; and to the next address when an address can't be reached.

import { attempt, guard } from "./guard";

/** Browsers allow 64 KiB of bodies that outlive the page, all together. */
export const KEEPALIVE_MAX_BYTES = 60_000;
const TIMEOUT_MS = 10_000;
const HOST_KEY = "ff_host";

/** `status` is 0 if there was no answer; `pauseMs` is what the server asked for. */
export type Done = (status: number, pauseMs: number) => void;

// Pages and their tools replace fetch, some by something broken. What isn't the browser's own isn't used.
const given = globalThis.fetch;
/** Requests under way outlive the page. */
export const isLasting = !!attempt(() => /\[native code/.test(Function.prototype.toString.call(given)));

let urls: string[] = [];
let at = 0;

/** The addresses of a server: several where blockers refuse the first. */
export function openWire(hosts: string[]): void {
  urls = hosts.map((host) => new URL(`${host.replace(/\/+$/, "")}/v1/batch`, location.href).href);
  at = (urls[1] && +attempt(() => sessionStorage.getItem(HOST_KEY))!) || 0;
}

const url = (): string => urls[at % urls.length]!;

export function post(body: string, withCookies: boolean, done: Done, nTries = 1): void {
  const finish = (status: number, retryAfter?: string | null): void => {
    guard(() => {
      if (status || nTries >= urls.length) {
        if (nTries > 1) attempt(() => sessionStorage.setItem(HOST_KEY, `${at}`));
        done(status, +retryAfter! * 1_000 || 0);
      } else {
        at++;
        post(body, withCookies, done, nTries + 1);
      }
    });
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
  if (navigator.sendBeacon) return navigator.sendBeacon(url(), body);
  if (isLasting) post(body, false, () => {});
  return isLasting;
}

/** Is the server on the page's own site, so that it may set cookies for it? */
export const isWithin = (domain: string): boolean =>
  `.${new URL(url()).hostname}`.endsWith(`.${domain || location.hostname}`);
