// Which knobs did the shop set? Only on the script tag or in `load()`, never in the page's address.

import type { Settings } from "./api";
import { type Json, plain } from "./plain";

export let options: Json = plain();

export function setOptions(settings: object): void {
  options = plain(settings);
}

export const isOn = (name: keyof Settings): boolean => `${options[name]}` !== "false";
