// A page for the tracker to stand on: captured requests, answers told in advance, and modules without a past.
import { vi } from "vitest";

export interface Sent {
  url: string;
  writeKey: string;
  sentAt: string;
  cookie?: { domain: string; days: number };
  batch: Record<string, unknown>[];
  credentials?: string;
}

export const SETTINGS = { writeKey: "wk_1", host: "https://footfall.example" };

/** Captures every request; `answers` are taken in turn, then 200. */
export class Wire {
  sent: Sent[] = [];
  beacons: Sent[] = [];
  answers: (Response | Error)[] = [];

  install(): void {
    const fetch = (url: string, init: { body: string; credentials: string }) => {
      this.sent.push({ url, credentials: init.credentials, ...JSON.parse(init.body) });
      const answer = this.answers.shift() ?? new Response('{"success":true}', { status: 200 });
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    };
    // It must look like the browser's own.
    vi.stubGlobal("fetch", Object.assign(fetch, { toString: () => "function fetch() { [native code] }" }));
    Object.defineProperty(navigator, "sendBeacon", {
      configurable: true,
      value: (url: string, body: string) => this.beacons.push({ url, ...JSON.parse(body) }) > 0,
    });
  }

  get events(): Record<string, unknown>[] {
    return this.sent.flatMap((request) => request.batch);
  }
}

/** A page that has just been loaded: the tracker's modules anew, nothing of the last page in them. */
export async function load() {
  vi.resetModules();
  const [queue, tracker, start, identity, consent, wire] = await Promise.all([
    import("../src/queue"),
    import("../src/tracker"),
    import("../src/start"),
    import("../src/identity"),
    import("../src/consent"),
    import("../src/wire"),
  ]);
  return { queue, tracker, start, identity, consent, wire };
}

/** The same with the calls of a page ready, but nothing watched. */
export async function open(settings: object = {}) {
  const page = await load();
  const { setOptions } = await import("../src/options");
  setOptions({ ...SETTINGS, ...settings });
  page.wire.openWire([SETTINGS.host]);
  page.queue.openQueue(SETTINGS.writeKey);
  page.tracker.open();
  return page;
}

export function clearBrowser(): void {
  localStorage.clear();
  sessionStorage.clear();
  delete (window as { footfall?: unknown }).footfall;
  for (const part of document.cookie.split("; ")) {
    for (const domain of ["", "; Domain=shop.example"]) {
      // biome-ignore lint/suspicious/noDocumentCookie: tests clean up what the tracker wrote.
      document.cookie = `${part.split("=")[0]}=; Max-Age=-1; Path=/${domain}`;
    }
  }
  setGpc(undefined);
}

export function setUrl(url: string): void {
  (window as unknown as { happyDOM: { setURL(url: string): void } }).happyDOM.setURL(url);
}

export function setGpc(value: boolean | undefined): void {
  Object.defineProperty(navigator, "globalPrivacyControl", { configurable: true, value });
}
