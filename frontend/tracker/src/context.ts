// Where and on what did it happen? The Segment spec's `context`, read from the page when the event happens.

import type { Purposes } from "./api";
import { attempt } from "./guard";
import { copy, type Json } from "./plain";

export interface Place {
  url: string;
  path: string;
  search: string;
  title: string;
  referrer: string;
}

/** Where the visitor came from: the document's referrer, then the last page of a single-page app. */
let referrer: string | undefined;

export function movedFrom(url: string): void {
  referrer = url;
}

export function here(): Place {
  const { href, pathname, search } = location;
  referrer ??= document.referrer;
  return copy({ url: href, path: pathname, search, title: document.title, referrer }) as unknown as Place;
}

// A page's first Intl object takes 10 ms and more; Temporal, where there is one, takes nothing.
declare const Temporal: { Now: { timeZoneId(): string } };
let timezone: string | undefined;
let userAgent: string | undefined;

export function contextAt(page: Place, purposes: Purposes | null): Json {
  timezone ??=
    attempt(() => Temporal.Now.timeZoneId()) ?? attempt(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
  userAgent ??= navigator.userAgent; // a page that is going may say something else
  return {
    page,
    userAgent,
    locale: navigator.language,
    timezone,
    consent: purposes ? { categoryPreferences: purposes } : undefined,
    library: { name: "footfall.js", version: "0.1.0" },
  };
}
