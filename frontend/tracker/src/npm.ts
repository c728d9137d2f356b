// The npm package: the same tracker, started by the shop's own code.

import type { Footfall, Settings } from "./api.js"; // with its ending, since it stands in the package's types
import { guard } from "./guard";
import { start } from "./start";

export type { CallOptions, Decision, Footfall, Properties, Purposes, Settings } from "./api.js";

/** Start the tracker and give its calls; undefined without a write key or host, and on a server, where there is no page. */
export const load = (settings: Settings): Footfall | undefined =>
  typeof document === "undefined" ? undefined : guard(() => start(settings));
