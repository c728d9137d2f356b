// What can a page say? The Segment spec's calls, each turned into one event, or held until the visitor agrees.
//
// A page has one tracker: its state is that of these modules.

import type { CallOptions, Decision } from "./api";
import { answer, decide, purposes, readDecision, requireConsent } from "./consent";
import { contextAt, here, type Place } from "./context";
import { warn } from "./guard";
import { anonymousId, forgetIdentity, knownId, openIdentity, randomId, setUser, userId } from "./identity";
import { copy, type Json, object, plain } from "./plain";
import { adopt, forget, push, sendOnce } from "./queue";

const HELD_MAX = 100;
const CONSENT_EVENT = "Segment Consent Preference Updated";

let isOpen = false;
/** Calls before the visitor's answer: in memory only, never stored, gone with the page or a "no". */
let held: Held[] = [];
type Held = [fields: Json, place: Place, time: unknown];

/** Read the stored decision again (it may have been changed in another tab) and act on it. */
export function settle(): boolean | undefined {
  readDecision();
  const said = answer();
  if (said) {
    if (!isOpen) {
      openIdentity();
      adopt();
    }
    isOpen = true;
    for (const call of held.splice(0)) write(...call);
  } else {
    if (said === false) held = [];
    if (isOpen) close();
  }
  return said;
}

/** What an earlier visit left behind goes, if the shop has come to ask for consent or the browser says no. */
export function open(): void {
  if (!settle()) close();
}

function close(): void {
  isOpen = false;
  forget();
  forgetIdentity();
}

/** Nothing before a yes, from now on. */
export function ask(): void {
  requireConsent();
  settle();
}

function add(type: string, fields: Json | "" | undefined, given?: CallOptions, place = here()): void {
  if (!fields) return warn("says too little");
  const said = answer(); // what other tabs decide is told by events; reading cookies each time would cost
  const { context, timestamp, messageId } = plain(object(given)) as CallOptions;
  const copied = copy({ type, messageId, ...fields, context }) as Json;
  const call: Held = [copied, place, new Date(timestamp ?? Date.now())];
  if (said) write(...call);
  else if (said === undefined && held.length < HELD_MAX) held.push(call);
}

function write(fields: Json, place: Place, timestamp: unknown): void {
  const { type } = fields;
  if (type === "alias") fields["previousId"] ??= userId ?? anonymousId;
  if (fields["userId"] && /^[ia]/.test(type as string)) setUser(fields["userId"] as string);
  const event = plain({ messageId: randomId(), anonymousId, userId, timestamp }, fields, {
    context: plain(contextAt(place, purposes), object(fields["context"])),
  });
  push(JSON.stringify(event));
}

export function page(...args: unknown[]): void {
  const names = args.filter((arg) => typeof arg === "string");
  const [properties, given] = args.filter(object) as [Json?, CallOptions?];
  const name = names.pop();
  const category = names[0];
  add("page", { name, category, properties: { name, category, ...properties } }, given);
}

export function track(event: unknown, properties?: unknown, given?: CallOptions, place?: Place): void {
  const name = id(event);
  add("track", name && { event: name, properties: object(properties) }, given, place);
}

export function identify(...args: unknown[]): void {
  const [traits, given] = object(args[0]) ? args : args.slice(1);
  add("identify", { userId: id(args[0]), traits: object(traits) }, given as CallOptions);
}

export function group(groupId: unknown, traits?: unknown, given?: CallOptions): void {
  add("group", { groupId: id(groupId), traits: object(traits) }, given);
}

export function alias(to: unknown, from?: unknown, given?: CallOptions): void {
  const userId = id(to);
  add("alias", userId && { userId, previousId: id(from) }, given);
}

/** Somebody else uses this browser from now on (a log-out). */
export function reset(): void {
  held = [];
  if (!isOpen) return;
  setUser();
  openIdentity(randomId());
}

/** The visitor's decision. One that a banner repeats on every page (`isNews` false) is told only if it is another one. */
export function consent(decision: Decision, isNews = true): void {
  const before = knownId();
  const told = { type: "track", event: CONSENT_EVENT, properties: {} };
  isNews = decide(decision) || isNews;
  if (answer()) {
    // The decision goes first, so that what follows is read in its light.
    if (isNews) held.unshift([told, here(), held[0]?.[2] ?? new Date()]);
  } else if (before) {
    // The one last word: without it the server would go on scoring and writing to the visitor.
    const context = { consent: { categoryPreferences: purposes } };
    sendOnce(
      JSON.stringify({ ...told, anonymousId: before, userId, messageId: randomId(), timestamp: new Date(), context }),
    );
  }
  settle();
}

const id = (value: unknown): string | undefined => (value && !object(value) ? `${value}` : undefined);
