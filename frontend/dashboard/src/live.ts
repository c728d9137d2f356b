// What changes right now? One stream of server-sent events for the whole page, reconnected for as long as it is open.

import { batch, effect, signal } from "@preact/signals";
import { address, get, loadMe, me, site } from "./api";
import type { Ledger, LiveMessage, VisitorRow } from "./types";

export type Connection = "connecting" | "open" | "lost";

export const connection = signal<Connection>("connecting");
export const ledger = signal<Ledger | null>(null);

export interface Sample {
  at: number;
  received: number;
  applied: number;
  lag: number;
}

const SAMPLES_MAX = 180;
/** One sample a second of what the ledger said, oldest first. */
export const samples = signal<Sample[]>([]);

type Listener = (rows: VisitorRow[]) => void;
const listeners = new Set<Listener>();

export function onVisitors(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Times the stream came back or left something out; views read their list anew then. */
export const reconnects = signal(0);

export function startLive(): void {
  effect(() => {
    if (!me.value) return;
    samples.value = [];
    ledger.value = null;
    get<Ledger>("/api/ledger").then(
      (answer) => {
        ledger.value ??= answer;
      },
      () => {},
    );
    return listen(address("/api/live"));
  });
  effect(() => {
    if (!me.value || site.value === null) return;
    const timer = setInterval(sample, 1_000);
    return () => clearInterval(timer);
  });
}

function listen(url: string): () => void {
  let source: EventSource | null = null;
  let timer = 0;
  let nFailures = 0;
  const open = () => {
    source = new EventSource(url);
    source.addEventListener("open", () => {
      if (connection.peek() === "lost") reconnects.value = reconnects.peek() + 1;
      connection.value = "open";
      nFailures = 0;
    });
    source.addEventListener("live", (event) => {
      const message = parse<LiveMessage>(event);
      if (!message) return;
      batch(() => {
        ledger.value = message.ledger;
        if (message.visitors.length) for (const listener of listeners) listener(message.visitors);
        if (message.is_cut) reconnects.value = reconnects.peek() + 1;
      });
    });
    // The session is over, or the account was changed: find out which.
    source.addEventListener("ended", () => {
      loadMe().catch(() => {});
    });
    source.addEventListener("error", () => {
      connection.value = "lost";
      // The browser reconnects by itself after a broken line, but gives up on an error status.
      if (source?.readyState !== EventSource.CLOSED) return;
      timer = window.setTimeout(open, Math.min(1_000 * 2 ** nFailures++, 30_000));
    });
  };
  connection.value = "connecting";
  open();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}

function parse<T>(event: Event): T | null {
  try {
    return JSON.parse((event as MessageEvent<string>).data) as T;
  } catch {
    return null;
  }
}

function sample(): void {
  const now = ledger.peek();
  if (!now) return;
  const next = { at: Date.now(), received: now.received, applied: now.applied, lag: now.lag_events };
  samples.value = [...samples.peek().slice(1 - SAMPLES_MAX), next];
}

/** Events a second between neighbouring samples. */
export function rates(of: readonly Sample[], what: "received" | "applied"): number[] {
  return of.slice(1).map((sample, index) => {
    const before = of[index]!;
    return Math.max(0, ((sample[what] - before[what]) * 1_000) / Math.max(1, sample.at - before.at));
  });
}
