// The npm package: the same tracker, started by the shop's own code.

import type { Footfall } from "./api";
import { guard } from "./guard";
import type { Settings } from "./options";
import { start } from "./start";

export type { Footfall, Properties } from "./api";
export type { Decision, Purposes } from "./consent";
export type { Settings } from "./options";
export type { CallOptions } from "./tracker";

/** Start the tracker and give its calls; undefined without a write key or host, and on a server, where there is no page. */
export const load = (settings: Settings): Footfall | undefined =>
  typeof document === "undefined" ? undefined : guard(() => start(settings));
