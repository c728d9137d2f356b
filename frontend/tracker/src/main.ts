// The script tag: `<script data-write-key="..." data-host="...">import(".../footfall.js")</script>`, or one with `src`.

import { guard } from "./guard";
import { plain } from "./plain";
import { start } from "./start";

guard(() => {
  const script = (document.currentScript ?? document.querySelector("script[data-write-key]")) as HTMLScriptElement;
  // An imported script has no tag of its own: there the tag with the key says where events go.
  start(plain(!!script.src && { host: script.src.replace(/[^/]*([?#].*)?$/, "") }, script.dataset));
});
