// How do people read it? Times, durations, money and names, in the reader's own language settings.

import { signal } from "@preact/signals";
import type { Place } from "./types";

/** The time, to the second, for texts such as "3 s ago"; stands still while the page is hidden. */
export const now = signal(Date.now());
setInterval(() => {
  if (document.visibilityState === "visible") now.value = Date.now();
}, 1_000);

const NUMBER = new Intl.NumberFormat();
const SHORT = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const TENTHS = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", year: "numeric" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export const number = (value: number) => NUMBER.format(value);
export const short = (value: number) => (Math.abs(value) < 10_000 ? NUMBER.format(value) : SHORT.format(value));

function valid(iso: string): number | null {
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? null : ms;
}

export const dateTime = (iso: string) => (valid(iso) === null ? "–" : DATE.format(new Date(iso)));
export const day = (iso: string) => (valid(iso) === null ? "–" : DAY.format(new Date(iso)));
export const clock = (iso: string) => (valid(iso) === null ? "–" : CLOCK.format(new Date(iso)));

export function ago(iso: string, nowMs: number): string {
  const ms = valid(iso);
  if (ms === null) return "–";
  const s = Math.max(0, Math.floor((nowMs - ms) / 1_000));
  if (s < 5) return "now";
  if (s < 60) return `${s - (s % 5)} s ago`;
  if (s < 3_600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ago`;
  if (s < 30 * 86_400) return `${Math.floor(s / 86_400)} d ago`;
  return day(iso);
}

export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "–";
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3_600) return s % 60 && s < 600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.round(s / 60)} min`;
  return s < 172_800 ? `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min` : `${Math.round(s / 86_400)} d`;
}

/** A share as people say it: "12 %", "3.4 %", never a false 0 or 100. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || Number.isNaN(share)) return "–";
  if (share <= 0) return "0 %";
  if (share < 0.001) return "< 0.1 %";
  if (share > 0.995 && share < 1) return "> 99 %";
  return `${share < 0.0995 ? TENTHS.format(share * 100) : NUMBER.format(Math.round(share * 100))} %`;
}

/** A probability as a count of people: "12 of 100", "4 of 1,000" where a hundred would be too few. */
export function ofPeople(share: number): string {
  const whole = [100, 1_000, 10_000].find((n) => share * n >= 1) ?? 10_000;
  return `${NUMBER.format(Math.round(share * whole))} of ${NUMBER.format(whole)}`;
}

export function milliseconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : duration(ms / 1_000);
}

const moneys = new Map<string, Intl.NumberFormat>();

export function money(amount: number, currency: string | null | undefined): string {
  const code = currency && /^[A-Z]{3}$/.test(currency) ? currency : "";
  if (!code) return number(amount);
  let format = moneys.get(code);
  if (!format) {
    format = new Intl.NumberFormat(undefined, { style: "currency", currency: code, currencyDisplay: "narrowSymbol" });
    moneys.set(code, format);
  }
  return format.format(amount);
}

/** `product_view` for people: "Product view". */
export function words(name: string | null | undefined): string {
  if (!name) return "–";
  const text = name
    .replaceAll("_", " ")
    .replace(/\bjson\b/i, "JSON")
    .trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const REGIONS = new Intl.DisplayNames(undefined, { type: "region" });

/** A country's name in the reader's language. */
export function country(geo: Place): string {
  const code = geo.country ?? "";
  if (!/^[A-Za-z]{2}$/.test(code)) return code || "–";
  try {
    return REGIONS.of(code.toUpperCase()) ?? code;
  } catch {
    return code;
  }
}

export function place(geo: Place | null): string {
  if (!geo) return "–";
  const within = geo.city || geo.region;
  return within ? (geo.country ? `${within}, ${country(geo)}` : within) : country(geo);
}

/** Only addresses that a browser opens as pages may become links: no `javascript:`, `data:` or the like. */
export function safeUrl(url: string | null | undefined): URL | null {
  if (!url) return null;
  try {
    const parsed = new URL(url);
    return parsed.protocol === "https:" || parsed.protocol === "http:" ? parsed : null;
  } catch {
    return null;
  }
}

export function pathOf(url: string | null | undefined): string {
  const parsed = safeUrl(url);
  return parsed ? decode(parsed.pathname) + decode(parsed.search) : (url ?? "");
}

function decode(text: string): string {
  try {
    return decodeURI(text);
  } catch {
    return text;
  }
}

/** A feature's value in its unit; unknown is a dash. */
export function featureValue(value: number | null | undefined, unit: string, currency: string): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (unit === "s") return duration(value);
  if (unit === "ms") return milliseconds(value);
  if (unit === "money") return money(value, currency);
  if (unit === "bool") return value ? "yes" : "no";
  if (unit === "fraction") return `${NUMBER.format(Number((value * 100).toPrecision(3)))} %`;
  return NUMBER.format(Math.abs(value) >= 100 ? Math.round(value * 10) / 10 : Number(value.toPrecision(3)));
}

/** The unit, where the value doesn't show it already and it says something. */
export function unitOf(unit: string): string {
  return ["%", "h", "d", "1/min"].includes(unit) ? unit : "";
}
