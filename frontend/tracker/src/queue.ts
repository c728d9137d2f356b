// How does an event reach the server for sure? A bounded queue that goes out at once, survives reloads and tries again.
//
// A page keeps what isn't answered soon under a key of its own, so that tabs don't overwrite one another, and holds a
// lock of the same name; a key whose page has left, or whose lock is free, is adopted by the next page.
// What was under way when a page left can't be known to have arrived: the next page holds it in doubt until its own
// first request, and sends it again if that fails. So an event may be sent twice; the server counts it by messageId.

import { attempt, later } from "./guard";
import { anonymousId, cookieAnswered, cookieWish, forgetIdentity, randomId } from "./identity";
import { keys, load, save } from "./storage";
import { beacon, isLasting, KEEPALIVE_MAX_BYTES, nOthers, post } from "./wire";

const PREFIX = "ff_queue_";
/** Longest that an event under way is in memory alone. */
const KEEP_MS = 400;
/** A key written this lately has an owner, also where there are no locks. */
const LEASE_MS = 60_000;
/** Longest that taking over a queue takes. */
const ADOPT_MS = 50;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 300_000;
const QUEUE_MAX_EVENTS = 1_000;
const BATCH_MAX_EVENTS = 100;

/** When the owner last wrote (epoch ms; 0 once it has left), pause before the next try, events, events in doubt. */
type Kept = [at: number, pauseMs: number, events: string[], doubtful: string[]];

let writeKey = "";
let prefix = "";
let key = "";
let events: string[] = [];
let underWay: string[] = [];
let doubtful: string[] = [];
let nFailures = 0;
let retryAt = 0;
let maxEvents = BATCH_MAX_EVENTS;
let timer = 0;
let keepTimer = 0;
let isKept = false;
let isAnswered = false;
let hasLeft = false;
let release: (() => void) | undefined;

export function openQueue(siteKey: string): void {
  writeKey = siteKey;
  prefix = `${PREFIX}${siteKey.slice(-8)}_`;
  key = prefix + randomId();
}

/** `event` is its JSON text. */
export function push(event: string): void {
  add([], [event]);
  schedule();
}

/** Take over what pages before this one could not send. */
export function adopt(): void {
  for (const other of keys()) {
    if (!other.startsWith(prefix) || other === key) continue;
    const at = attempt(() => (JSON.parse(load(other)!) as Kept)[0]) || 0;
    if (Math.abs(Date.now() - at) < LEASE_MS) continue;
    // What happened earlier goes first: a cart must not be shown as it was before.
    retryAt = Math.max(retryAt, performance.now() + ADOPT_MS);
    locked(other, () => take(other), !!at);
  }
}

/** Send what waits, now, unless the server asked for a pause. */
export function flush(): void {
  clearTimeout(timer);
  timer = 0;
  if (underWay[0] || !events[0]) return;
  if (pauseMs()) return schedule();
  const batch = nextBatch();
  const wish = cookieWish();
  underWay = batch;
  keepSoon();
  post(bodyOf(batch, wish), !!wish, (status, afterMs) => {
    // Forgotten or left meanwhile; an answer may have brought the cookie back after it was deleted.
    if (underWay !== batch) return anonymousId || forgetIdentity();
    underWay = [];
    isAnswered = status > 199 && status < 300;
    if (isAnswered) {
      nFailures = retryAt = 0;
      maxEvents = BATCH_MAX_EVENTS;
      doubtful = [];
      remove(batch);
      if (wish) cookieAnswered();
    } else if (status === 400 || status === 413) {
      // The same batch will never be taken: halve it, and in the end let the one bad event go.
      maxEvents = batch.length >> 1;
      if (!maxEvents) remove(batch);
    } else if (nFailures++ >= nOthers() || status) {
      // There is no other address to try first.
      add(doubtful.splice(0));
      const backoffMs = Math.min((RETRY_FIRST_MS / 2) * 2 ** nFailures, RETRY_MAX_MS) * (0.5 + Math.random() / 2);
      retryAt = performance.now() + Math.max(backoffMs, Math.min(afterMs, RETRY_MAX_MS));
    }
    if (isKept) keep();
    schedule();
  });
}

/** The page is hidden and may never come back: keep what isn't answered. */
export function hide(): void {
  flush();
  keep();
}

/** The page goes: a beacon for what waits; what can't go stays for the next page. */
export function leave(): void {
  clearTimeout(timer);
  timer = 0;
  if (isLasting) doubtful.push(...underWay);
  underWay = []; // browsers call it failed in the page that leaves, and go on sending it
  remove(doubtful);
  for (let batch = nextBatch(); batch[0] && !pauseMs() && attempt(() => beacon(bodyOf(batch))); batch = nextBatch()) {
    remove(batch);
    doubtful.push(...batch);
  }
  hasLeft = true;
  isKept = false;
  keep();
  release?.();
  release = undefined;
}

/** The page came back from the cache: what it left may have been adopted. */
export function resume(): void {
  hasLeft = false;
  empty();
  attempt(() => take(key));
  adopt();
}

/** Nothing of it may be sent any more. */
export function forget(): void {
  empty();
  for (const other of keys()) if (other.startsWith(PREFIX)) save(other);
}

/** One event past the queue: nothing of it is stored or tried again. */
export function sendOnce(event: string): void {
  beacon(bodyOf([event]));
}

/** The connection is back: no need to wait for the next try. */
export function online(): void {
  retryAt = 0;
  flush();
  adopt();
}

function empty(): void {
  events = [];
  underWay = [];
  doubtful = [];
}

const pauseMs = (): number => Math.max(0, retryAt - performance.now());

function add(before: string[], after: string[] = []): void {
  events = [...before, ...events, ...after].slice(-QUEUE_MAX_EVENTS);
}

function remove(batch: string[]): void {
  events = events.filter((event) => !batch.includes(event));
}

function nextBatch(): string[] {
  let nChars = 300;
  return events.filter((event, i) => {
    nChars += event.length + 1;
    return !i || (i < maxEvents && nChars < KEEPALIVE_MAX_BYTES);
  });
}

const bodyOf = (batch: string[], wish?: object): string =>
  `${JSON.stringify({ writeKey, sentAt: new Date(), ...wish }).slice(0, -1)},"batch":[${batch}]}`;

function schedule(): void {
  if (!timer && !underWay[0] && events[0]) timer = later(flush, pauseMs());
}

function keepSoon(): void {
  keepTimer ||= later(keep, KEEP_MS);
}

/** As the storage has to be: what is unanswered is in it, and nothing else. */
function keep(): void {
  clearTimeout(keepTimer);
  keepTimer = 0;
  if (hasLeft && isKept && !load(key)) return; // another page has it by now
  const kept: Kept = [hasLeft ? 0 : Date.now(), pauseMs(), events, doubtful];
  const isNeeded = events[0] || doubtful[0];
  if (isNeeded || isKept) isKept = save(key, isNeeded && JSON.stringify(kept));
  if (isKept && !hasLeft && !release) {
    const left = new Promise<void>((done) => {
      release = done;
    });
    locked(key, () => left, true);
  }
}

function take(from: string): void {
  const text = load(from);
  save(from);
  const [, pause, more, beaconed] = JSON.parse(text!) as Kept;
  add(more.filter((event) => event.startsWith("{") && !events.includes(event)));
  if (!isAnswered) doubtful.push(...beaconed);
  retryAt = Math.max(retryAt, performance.now() + Math.min(pause, RETRY_MAX_MS));
  keepSoon();
  schedule();
}

/** Work that no other tab does for this key at the same time: not at all, or later, if another tab has it. */
function locked(name: string, work: () => unknown, ifAvailable: boolean): void {
  const isAsked = attempt(() =>
    navigator.locks.request(name, { ifAvailable }, (lock) => lock && attempt(work)).catch(() => {}),
  );
  if (!isAsked) attempt(work);
}
