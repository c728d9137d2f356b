// Does somebody have to look at the model? What the server says about drift, asked often enough for a banner.

import { effect, signal } from "@preact/signals";
import { get, me, site } from "./api";
import type { Drift } from "./types";

const EVERY_MS = 60_000;

/** `null` until the server has said something. */
export const drift = signal<Drift | null>(null);

export async function loadDrift(): Promise<void> {
  const asked = site.peek();
  try {
    const answer = await get<Drift>("/api/models/drift");
    if (site.peek() === asked) drift.value = answer;
  } catch {
    // What was known stays; views say it when the server can't be reached.
  }
}

export function startDrift(): void {
  effect(() => {
    drift.value = null;
    if (!me.value || site.value === null) return;
    loadDrift();
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") loadDrift();
    }, EVERY_MS);
    return () => clearInterval(timer);
  });
}
