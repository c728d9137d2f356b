// How does an event reach the server for sure? A bounded queue that survives reloads, batches, and retries.
//
// Each page keeps its queue under a key of its own, so that tabs don't overwrite one another. A page that leaves
// releases its queue, and the next page adopts it. An event may so be sent twice; the server counts it once by messageId.

import { randomId } from "./ids";
import { drop, keys, load, save } from "./storage";

const PREFIX = "ff_queue_";
const FLUSH_MS = 100;
const TIMEOUT_MS = 30_000;
const ORPHAN_MS = 60_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 300_000;
const QUEUE_MAX_EVENTS = 1_000;
const QUEUE_MAX_CHARS = 1_000_000;
const BATCH_MAX_EVENTS = 100;
/** Browsers allow 64 KiB of `keepalive` and beacon bodies in flight. */
const KEEPALIVE_MAX_BYTES = 60_000;

interface Kept {
  /** When the owner last wrote, epoch ms; 0 once it has left. */
  at: number;
  /** Not before, epoch ms. */
  retryAt: number;
  events: string[];
}

export class Queue {
  private events: string[] = [];
  private nChars = 0;
  private nDropped = 0;
  private nFailures = 0;
  private retryAt = 0;
  private maxEvents = BATCH_MAX_EVENTS;
  private timer = 0;
  private sending: AbortController | null = null;
  private readonly key = PREFIX + randomId().slice(0, 12);

  constructor(
    private readonly url: string,
    private readonly writeKey: string,
  ) {}

  /** Take over what pages before this one could not send. */
  adopt(): void {
    const now = Date.now();
    for (const key of keys()) {
      if (!key.startsWith(PREFIX)) continue;
      const kept = parse(load(key));
      if (kept && key !== this.key && now - kept.at < ORPHAN_MS) continue;
      drop(key);
      if (!kept) continue;
      for (const event of kept.events) if (!this.events.includes(event)) this.add(event);
      this.retryAt = Math.max(this.retryAt, Math.min(kept.retryAt, now + RETRY_MAX_MS));
    }
    if (this.events.length) this.schedule();
  }

  /** `event` is its JSON text. */
  push(event: string): void {
    this.add(event);
    this.keep();
    this.schedule();
  }

  /** Send what waits, now, unless the server asked for a pause. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = 0;
    if (this.sending || !this.events.length) return;
    if (Date.now() < this.retryAt) return this.schedule();
    const batch = this.nextBatch();
    const body = this.body(batch);
    const sending = new AbortController();
    this.sending = sending;
    const timeout = setTimeout(() => sending.abort(), TIMEOUT_MS);
    fetch(this.url, {
      method: "POST",
      body,
      keepalive: new Blob([body]).size <= KEEPALIVE_MAX_BYTES,
      credentials: "omit",
      signal: sending.signal,
    })
      .then(
        (response) => this.answered(batch, response),
        () => this.failed(0),
      )
      .then(() => {
        clearTimeout(timeout);
        if (this.sending !== sending) return;
        this.sending = null;
        this.keep();
        if (this.events.length) this.schedule();
      });
  }

  /** The page goes: a beacon for what waits; what can't go stays for the next page. */
  leave(): void {
    clearTimeout(this.timer);
    this.timer = 0;
    if (!this.sending && !this.nFailures && Date.now() >= this.retryAt && navigator.onLine !== false) {
      while (this.events.length) {
        const batch = this.nextBatch();
        if (!navigator.sendBeacon?.(this.url, this.body(batch))) break;
        this.remove(batch);
      }
    }
    this.keep(0);
  }

  /** Nothing of it may be sent any more. */
  forget(): void {
    this.sending?.abort();
    this.sending = null;
    clearTimeout(this.timer);
    this.timer = 0;
    this.events = [];
    this.nChars = 0;
    for (const key of keys()) if (key.startsWith(PREFIX)) drop(key);
  }

  /** One event past the queue: nothing of it is stored or tried again. */
  sendOnce(event: string): void {
    fetch(this.url, { method: "POST", body: this.body([event]), keepalive: true, credentials: "omit" }).catch(() => {});
  }

  /** The connection is back: no need to wait for the next try. */
  online(): void {
    if (this.nFailures) this.retryAt = 0;
    this.flush();
  }

  private add(event: string): void {
    this.events.push(event);
    this.nChars += event.length;
    while (this.events.length > QUEUE_MAX_EVENTS || this.nChars > QUEUE_MAX_CHARS) {
      this.nChars -= this.events.shift()!.length;
      this.nDropped++;
    }
  }

  private remove(batch: string[]): void {
    const gone = new Set(batch);
    this.events = this.events.filter((event) => !gone.has(event));
    this.nChars = this.events.reduce((sum, event) => sum + event.length, 0);
  }

  private nextBatch(): string[] {
    const batch: string[] = [];
    let nChars = 200;
    for (const event of this.events) {
      nChars += event.length + 1;
      if (batch.length && (batch.length >= this.maxEvents || nChars > KEEPALIVE_MAX_BYTES)) break;
      batch.push(event);
    }
    return batch;
  }

  private body(batch: string[]): string {
    const head = JSON.stringify({
      writeKey: this.writeKey,
      sentAt: new Date().toISOString(),
      ...(this.nDropped && { dropped: this.nDropped }),
    });
    return `${head.slice(0, -1)},"batch":[${batch.join(",")}]}`;
  }

  private answered(batch: string[], response: Response): void {
    if (response.ok) {
      this.nFailures = this.retryAt = this.nDropped = 0;
      this.maxEvents = BATCH_MAX_EVENTS;
      this.remove(batch);
    } else if (response.status === 400 || response.status === 413) {
      // The same batch will never be taken: halve it, and in the end let the one bad event go.
      if (batch.length > 1) this.maxEvents = batch.length >> 1;
      else {
        this.nDropped++;
        this.remove(batch);
      }
    } else {
      this.failed(retryAfterMs(response.headers.get("Retry-After")));
    }
  }

  private failed(afterMs: number): void {
    const backoff = Math.min(RETRY_FIRST_MS * 2 ** this.nFailures++, RETRY_MAX_MS) * (0.5 + Math.random() / 2);
    this.retryAt = Date.now() + Math.max(backoff, Math.min(afterMs, RETRY_MAX_MS));
  }

  private schedule(): void {
    if (!this.timer && !this.sending) {
      this.timer = window.setTimeout(() => this.flush(), Math.max(FLUSH_MS, this.retryAt - Date.now()));
    }
  }

  private keep(at: number = Date.now()): void {
    if (this.events.length) {
      save(this.key, JSON.stringify({ at, retryAt: this.retryAt, events: this.events } satisfies Kept));
    } else drop(this.key);
  }
}

function parse(text: string | null): Kept | null {
  try {
    const { at, retryAt, events } = JSON.parse(text || "") as Kept;
    return {
      at: +at || 0,
      retryAt: +retryAt || 0,
      events: events.filter((event) => typeof event === "string" && event.startsWith("{")),
    };
  } catch {
    return null;
  }
}

/** `Retry-After` is either seconds or a date. */
export function retryAfterMs(header: string | null): number {
  if (!header) return 0;
  const seconds = Number(header);
  const ms = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1_000;
  return Math.max(0, ms || 0);
}
