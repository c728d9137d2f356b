// Where does it all start? Replays the calls made before loading, watches the page, and gives the page its calls.

import type { Footfall, Settings } from "./api";
import { isAhead } from "./consent";
import { layerOf, readBacklog, watchLayer } from "./datalayer";
import { guard, listen, warn } from "./guard";
import { watchInteractions } from "./interactions";
import { options, setOptions } from "./options";
import { plain } from "./plain";
import { adopt, flush, online, openQueue } from "./queue";
import { alias, consent, group, identify, open, page, reset, settle, track } from "./tracker";
import { watchVisit } from "./visit";
import { openWire } from "./wire";

type Calls = Record<string, (...args: never[]) => void>;

const CALLS: Calls = { page, track, identify, group, alias, reset, consent, flush };

/** The page's calls, which stand under `window.footfall`; a second tracker on a page does nothing. */
export function start(settings: Partial<Settings>): Footfall | undefined {
  const { writeKey, host } = settings;
  const before = window.footfall as (Footfall & unknown[][]) | undefined;
  if (!writeKey || !host || before?.isLoaded) {
    warn("not started");
    return before;
  }
  setOptions(settings);
  openWire(`${host}`.split(/[\s,]+/));
  openQueue(writeKey);

  const run = ([call, ...args]: readonly unknown[]): void => CALLS[`${call}`]?.(...(args as never[]));
  const api = plain() as Calls;
  for (const call of Object.keys(CALLS)) api[call] = (...args) => guard(() => CALLS[call]!(...args));
  // A page may go on to push onto the stub.
  window.footfall = Object.assign(api, {
    isLoaded: true,
    push: (item: unknown[]) => guard(() => run(item)),
  }) as unknown as Footfall;

  const begin = (): void => {
    const layer = options["layer"] ? layerOf(`${options["layer"]}`) : [];
    const waiting = Array.isArray(before) ? before.filter(Array.isArray) : [];
    // A decision made before loading holds for the first page view already.
    for (const item of waiting) if (item[0] === "consent") run(item);
    readBacklog(layer, true);
    open();
    watchVisit(!waiting.some(([call]) => call === "page"));
    for (const item of waiting) if (item[0] !== "consent") run(item);
    readBacklog(layer, false);
    watchInteractions();
    listen("online", () => settle() && online());
    // Another tab decided, or left its queue: often the page before this one, which may say so after this one began.
    listen("storage", () => settle() && !document.hidden && adopt());
    watchLayer(layer);
  };
  // A page that is only rendered in advance hasn't been seen by anybody yet.
  if (isAhead()) listen("prerenderingchange", begin);
  else guard(begin);
  return window.footfall as Footfall;
}
