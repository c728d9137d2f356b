// What may this browser keep? First-party cookie and localStorage; every access can fail and then holds nothing.

import { attempt } from "./guard";

/** 13 months, the longest that data protection authorities accept for such an id. */
export const COOKIE_DAYS = 395;

export const load = (key: string): string | null | undefined => attempt(() => localStorage.getItem(key));

/** Whether it was kept. No value, a full or a forbidden storage keeps nothing, not even what was there before. */
export function save(key: string, value?: string): boolean {
  const isKept = attempt(() => {
    if (value) localStorage.setItem(key, value);
    return value;
  });
  if (!isKept) attempt(() => localStorage.removeItem(key));
  return !!isKept;
}

export const keys = (): string[] => attempt(() => Object.keys(localStorage)) ?? [];

export const readCookie = (name: string): string | undefined =>
  attempt(() => document.cookie.match(`(^|; )${name}=([^;]*)`)?.[2]);

let widest: string | undefined;

/** The widest domain a cookie may have here: `shop.co.uk` on `www.shop.co.uk`; empty on addresses and localhost. */
export function cookieDomain(): string {
  if (widest === undefined) {
    widest = "";
    const labels = location.hostname.split(".");
    for (let n = labels.length - 1; !widest && n-- && !/\d$/.test(location.hostname); ) {
      const domain = labels.slice(n).join(".");
      writeCookie("ff_probe", "1", 1, domain);
      if (readCookie("ff_probe")) widest = domain;
      writeCookie("ff_probe", "", -1, domain);
    }
  }
  return widest;
}

/** A cookie for the whole shop; -1 days delete it. */
export function writeCookie(name: string, value: string, days = COOKIE_DAYS, domain = cookieDomain()): void {
  attempt(() => {
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing in Safari and on plain http.
    document.cookie = `${name}=${value};Path=/;Max-Age=${days * 86_400};SameSite=Lax${domain && `;Domain=${domain}`}${location.protocol === "https:" ? ";Secure" : ""}`;
  });
}
