// May we? The visitor's decision, and whether one is needed before anything is stored or sent.

import type { Decision, Purposes } from "./api";
import { attempt } from "./guard";
import { options } from "./options";
import { object, plain } from "./plain";
import { load, readCookie, save, writeCookie } from "./storage";

/** A page that is only rendered in advance: nobody has seen it, and its data layer has not been read. */
export const isAhead = (): unknown => (document as { prerendering?: boolean }).prerendering;

const CONSENT_KEY = "ff_consent";

/** The decision in force, or null. */
export let purposes: Purposes | null = null;

/** Nothing before a yes, from now on. */
export function requireConsent(): void {
  options["consent"] = true;
}

/** Yes, no, or undefined: not asked yet, and nothing may be kept or sent before. */
export function answer(): boolean | undefined {
  if (purposes && !isAhead()) return purposes["analytics"] === true;
  // Global Privacy Control counts as "required": only an explicit yes on this site goes before it.
  const isRequired = options["consent"] != null || isAhead();
  return isRequired || (navigator as { globalPrivacyControl?: unknown }).globalPrivacyControl === true
    ? undefined
    : true;
}

/** Read the decision as this browser keeps it: another tab or subdomain may have changed it. */
export function readDecision(): void {
  purposes = kept() ?? purposes;
}

const kept = (): Purposes | undefined =>
  attempt(() => object(JSON.parse(decodeURIComponent(readCookie(CONSENT_KEY) || load(CONSENT_KEY)!))) as Purposes);

/** Keep a decision and say whether it is news. It names nobody, so a "no" is kept too. */
export function decide(decision: Decision): boolean {
  const said = decision === true || decision === "granted";
  const all = plain({ analytics: 0 }, object(decision) ?? { marketing: said, personalization: said, analytics: said });
  for (const name of Object.keys(all)) all[name] = all[name] === true;
  const isNews = JSON.stringify(all) !== JSON.stringify(kept());
  const text = encodeURIComponent(JSON.stringify(all));
  purposes = all as Purposes;
  save(CONSENT_KEY, text);
  writeCookie(CONSENT_KEY, text);
  return isNews;
}
