// How large is each of some figures? A name, a bar, and the figure.

import type { ComponentChildren } from "preact";

interface ShareProps {
  name: ComponentChildren;
  /** How much of the bar is filled, 0 to 1. */
  share: number;
  text: string;
  kind?: string;
}

export function Share({ name, share, text, kind = "" }: ShareProps) {
  const width = Math.min(1, Math.max(0, share)) * 100;
  return (
    <div class={`share ${kind}`}>
      <span class="break">{name}</span>
      <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect width={width.toFixed(1)} height="6" />
      </svg>
      <b>{text}</b>
    </div>
  );
}
