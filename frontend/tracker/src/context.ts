// Where and on what did it happen? The Segment spec's `context`, read from the page when the event happens.

import type { Purposes } from "./consent";

export interface Place {
  url: string;
  path: string;
  search: string;
  title: string;
  referrer: string;
}

export type Json = Record<string, unknown>;

/** An object without a prototype, so that no key of a page or an attribute can reach one. */
export function plain(...parts: (object | null | undefined)[]): Json {
  const whole: Json = Object.create(null);
  for (const part of parts) {
    if (!part) continue;
    for (const key of Object.keys(part)) whole[key] = (part as Json)[key];
  }
  return whole;
}

export function here(referrer: string): Place {
  return {
    url: location.href,
    path: location.pathname,
    search: location.search,
    title: document.title,
    referrer,
  };
}

const UTM: [string, string][] = [
  ["utm_campaign", "name"],
  ["utm_source", "source"],
  ["utm_medium", "medium"],
  ["utm_term", "term"],
  ["utm_content", "content"],
  ["utm_id", "id"],
];

function campaign(search: string): Json | undefined {
  if (!/[?&]utm_/.test(search)) return undefined;
  const query = new URLSearchParams(search);
  const found = plain();
  for (const [parameter, name] of UTM) {
    const value = query.get(parameter);
    if (value) found[name] = value;
  }
  return found;
}

export function contextAt(place: Place, purposes: Purposes | null): Json {
  let timezone: string | undefined;
  try {
    timezone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  } catch {
    // Very old browsers don't know their zone.
  }
  return plain({
    page: place,
    userAgent: navigator.userAgent,
    locale: navigator.language,
    timezone,
    screen: {
      width: screen.width,
      height: screen.height,
      innerWidth,
      innerHeight,
      density: devicePixelRatio,
    },
    campaign: campaign(place.search),
    consent: purposes ? { categoryPreferences: purposes } : undefined,
    library: { name: "footfall.js", version: "0.1.0" },
  });
}
