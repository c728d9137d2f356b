// The script tag: `<script async src=".../footfall.js" data-write-key="...">`.

import { guard } from "./guard";
import { plain } from "./plain";
import { start } from "./start";

guard(() => {
  const script = (document.currentScript ?? document.querySelector("script[data-write-key]")) as HTMLScriptElement;
  start(plain({ host: new URL(".", script.src).href }, script.dataset));
});
