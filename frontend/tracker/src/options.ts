// Which knobs did the shop set? Only on the script tag or in `load()`, never in the page's address.

import { type Json, plain } from "./plain";

type Switch = boolean | "true" | "false";

/** Attributes of the script tag (`data-write-key`, `data-layer` …) or what `load` is given. */
export interface Settings {
  writeKey: string;
  /** Base addresses of the Footfall server: the next is used when one can't be reached. */
  host: string | readonly string[];
  /** Nothing is stored or sent before `footfall.consent(...)` says yes. */
  consent?: "required";
  /** Name of the data layer to listen to, such as `dataLayer`. */
  layer?: string;
  /** Each is on unless it is `false`. */
  autoPage?: Switch;
  scroll?: Switch;
  engagement?: Switch;
  clicks?: Switch;
  hover?: Switch;
  forms?: Switch;
}

export let options: Json = plain();

export function setOptions(settings: object): void {
  options = plain(settings);
}

export const isOn = (name: keyof Settings): boolean => `${options[name]}` !== "false";
