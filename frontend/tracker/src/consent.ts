// May we? The visitor's decision, and whether one is needed before anything is stored or sent.

import { load, readCookie, save, writeCookie } from "./storage";

const KEY = "ff_consent";

/** Purposes the visitor said yes or no to; `analytics` decides whether anything is collected at all. */
export type Purposes = Record<string, boolean>;
/** What `footfall.consent` takes: yes, no, or purpose by purpose. */
export type Decision = boolean | "granted" | "denied" | Purposes;

export type Answer = "yes" | "no" | "unasked";

export class Consent {
  purposes: Purposes | null = null;

  constructor(private readonly isRequired: boolean) {
    this.read();
  }

  /** The decision as this browser keeps it: another tab or subdomain may have changed it. */
  read(): void {
    const kept = readCookie(KEY) || load(KEY);
    if (kept) this.purposes = parse(kept) ?? this.purposes;
  }

  /** Global Privacy Control counts as "required": only an explicit yes on this site goes before it. */
  answer(): Answer {
    if (this.purposes) return this.purposes["analytics"] ? "yes" : "no";
    const hasGpc = (navigator as { globalPrivacyControl?: unknown }).globalPrivacyControl === true;
    return this.isRequired || hasGpc ? "unasked" : "yes";
  }

  /** Keep a decision. It names nobody, so a "no" is kept too. */
  decide(decision: Decision): void {
    const purposes: Purposes = Object.create(null);
    if (typeof decision === "object" && decision) {
      for (const purpose of Object.keys(decision)) {
        if (/^[\w-]{1,40}$/.test(purpose)) purposes[purpose] = decision[purpose] === true;
      }
      purposes["analytics"] ??= false;
    } else {
      purposes["analytics"] =
        purposes["personalization"] =
        purposes["marketing"] =
          decision === true || decision === "granted";
    }
    this.purposes = purposes;
    const text = Object.keys(purposes)
      .map((purpose) => `${purpose}:${purposes[purpose] ? 1 : 0}`)
      .join("|");
    save(KEY, text);
    writeCookie(KEY, text);
  }
}

function parse(text: string): Purposes | null {
  const purposes: Purposes = Object.create(null);
  for (const part of text.split("|")) {
    const found = /^([\w-]{1,40}):([01])$/.exec(part);
    if (!found) return null;
    purposes[found[1]!] = found[2] === "1";
  }
  return purposes;
}
