// What does a shop have to put on its pages? The tag with this site's own write key, ready to copy.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { get, site } from "../api";
import type { Site } from "../types";
import { CopyButton } from "./text";

export function Snippet() {
  const key = useSignal("WRITE_KEY");
  useEffect(() => {
    get<Site>(`/api/sites/${site.peek()}`).then(
      (known) => {
        key.value = known.write_key;
      },
      () => {},
    );
  }, []);
  const host = location.origin;
  const text = `<script data-write-key="${key.value}" data-host="${host}">import("${host}/footfall.js").catch(() => {})</script>`;
  return (
    <div class="snippet">
      <pre>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} label="Copy" />
    </div>
  );
}
