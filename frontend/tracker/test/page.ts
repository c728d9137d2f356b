// A page for the tracker to stand on: captured requests, and answers told in advance.
import { vi } from "vitest";
import type { Options } from "../src/options";

export interface Sent {
  url: string;
  writeKey: string;
  sentAt: string;
  batch: Record<string, unknown>[];
}

export const OPTIONS: Options = {
  writeKey: "wk_1",
  host: "https://footfall.example",
  isConsentRequired: false,
  hasAutoPages: true,
  hasScroll: true,
  hasEngagement: true,
  hasClicks: true,
  hasJsonLd: false,
};

/** Captures every request; `answers` are taken in turn, then 200. */
export class Wire {
  sent: Sent[] = [];
  beacons: Sent[] = [];
  answers: (Response | Error)[] = [];

  install(): void {
    vi.stubGlobal("fetch", (url: string, init: { body: string }) => {
      this.sent.push({ url, ...JSON.parse(init.body) });
      const answer = this.answers.shift() ?? new Response('{"success":true}', { status: 200 });
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    });
    Object.defineProperty(navigator, "sendBeacon", {
      configurable: true,
      value: (url: string, body: string) => this.beacons.push({ url, ...JSON.parse(body) }) > 0,
    });
  }

  get events(): Record<string, unknown>[] {
    return this.sent.flatMap((request) => request.batch);
  }
}

export function clearBrowser(): void {
  localStorage.clear();
  for (const part of document.cookie.split("; ")) {
    for (const domain of ["", "; Domain=shop.example"]) {
      // biome-ignore lint/suspicious/noDocumentCookie: tests clean up what the tracker wrote.
      document.cookie = `${part.split("=")[0]}=; Max-Age=-1; Path=/${domain}`;
    }
  }
  setGpc(undefined);
}

export function setGpc(value: boolean | undefined): void {
  Object.defineProperty(navigator, "globalPrivacyControl", { configurable: true, value });
}
