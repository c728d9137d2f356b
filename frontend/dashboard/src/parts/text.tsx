// Small words that every view uses.

import { useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { ago, dateTime, now, pathOf, safeUrl, words } from "../format";
import type { State } from "../types";
import { Icon } from "./icon";

export function Ago({ at }: { at: string }) {
  return (
    <time dateTime={at} title={dateTime(at)}>
      <AgoText key={at} at={at} />
    </time>
  );
}

function AgoText({ at }: { at: string }) {
  // Only this text is written anew each second, not its row.
  return <>{useComputed(() => ago(at, now.value))}</>;
}

const STATES: Record<State, string> = {
  first_time: "First visit",
  returning: "Returning",
  known: "Known",
  paying: "Customer",
};

export function StateBadge({ state }: { state: State | undefined }) {
  if (!state) return null;
  const known = Object.hasOwn(STATES, state);
  return <span class={`badge ${known ? `badge-${state}` : ""}`}>{known ? STATES[state] : words(state)}</span>;
}

/** Opens a visited page in a new tab; anything that isn't http(s) is only text. */
export function PageLink({ url, children }: { url: string | null; children?: ComponentChildren }) {
  const safe = safeUrl(url);
  const text = children ?? pathOf(url);
  if (!safe) return <span class="url">{text}</span>;
  return (
    <a class="url" href={safe.href} target="_blank" rel="noopener noreferrer" title={safe.href}>
      {text}
    </a>
  );
}

/** A drawing that is always the same for the same visitor. */
export function Avatar({ id, isLive }: { id: string; isLive?: boolean }) {
  let hash = 2166136261;
  for (let index = 0; index < id.length; index++) hash = Math.imul(hash ^ id.charCodeAt(index), 16777619);
  const hue = (hash >>> 0) % 360;
  const turn = ((hash >>> 9) % 8) * 45;
  return (
    <svg class="avatar" viewBox="0 0 36 36" width="36" height="36" aria-hidden="true">
      <circle cx="18" cy="18" r="17" fill={`hsl(${hue} 42% 82%)`} />
      <g transform={`rotate(${turn} 18 18)`} fill={`hsl(${hue} 42% 40%)`}>
        <ellipse cx="14" cy="15" rx="3.4" ry="5" />
        <ellipse cx="14.6" cy="22.6" rx="2.2" ry="2.4" />
        <ellipse cx="22" cy="18.5" rx="3.4" ry="5" opacity=".65" />
        <ellipse cx="21.4" cy="26" rx="2.2" ry="2.4" opacity=".65" />
      </g>
      {isLive && <circle class="avatar-live" cx="30" cy="30" r="5" />}
    </svg>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name="steps" />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Problem({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <div class="problem" role="alert">
      <p>{error instanceof Error ? error.message : String(error)}</p>
      {onRetry && (
        <button type="button" class="button quiet" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Waiting({ rows = 6 }: { rows?: number }) {
  return (
    <div class="waiting" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  );
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const copy = (event: MouseEvent) => {
    const button = event.currentTarget as HTMLButtonElement;
    navigator.clipboard?.writeText(text).then(() => {
      button.textContent = "Copied";
      setTimeout(() => {
        button.textContent = label;
      }, 1_500);
    });
  };
  return (
    <button type="button" class="button quiet small" onClick={copy}>
      {label}
    </button>
  );
}
