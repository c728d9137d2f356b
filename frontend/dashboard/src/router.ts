// Which view does the address ask for? Paths are real addresses; links are plain <a> elements.

import { signal } from "@preact/signals";

export interface Location {
  path: string;
  query: URLSearchParams;
}

const read = (): Location => ({ path: location.pathname, query: new URLSearchParams(location.search) });

export const route = signal<Location>(read());

export function go(url: string, isReplacing = false): void {
  if (isReplacing) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  route.value = read();
}

export function startRouter(): void {
  addEventListener("popstate", () => {
    route.value = read();
  });
  document.addEventListener("click", (click) => {
    const link = (click.target as Element | null)?.closest?.("a");
    if (!link || click.defaultPrevented || click.button || click.metaKey || click.ctrlKey || click.shiftKey) return;
    if (link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (link.dataset["internal"] === undefined) return;
    click.preventDefault();
    go(link.href);
    scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
  });
}
