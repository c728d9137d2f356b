// Is the champion still right about today's visitors? What it foretold beside what came, and what has moved since.

import type { ComponentChildren } from "preact";
import { number, percent, words } from "../format";
import { Share } from "../parts/share";
import { Ago } from "../parts/text";
import type { Drift } from "../types";
import { TARGETS } from "./metrics";

/** Customary bounds of the population stability index: below, nothing moved; above, the model may be out of date. */
const PSI_MOVED = 0.1;
const PSI_FAR = 0.25;
const PSI_SHOWN = 12;

/** A share beside another one: the larger fills the bar. */
const part = (share: number | null, other: number | null) => (share ?? 0) / (Math.max(share ?? 0, other ?? 0) || 1);

export function LiveCheck({ drift }: { drift: Drift | null }) {
  if (!drift?.at) {
    return (
      <section class="card">
        <h2>Live check</h2>
        <p class="sub">
          Comes with the first hours of traffic: whether visitors still look like those the model learned from, and
          whether as many ordered as it foretold.
        </p>
      </section>
    );
  }
  const known = Object.entries(drift.calibration).filter(([, { n }]) => n > 0);
  return (
    <div class="contest">
      <section class="card">
        <h2>
          Foretold and come{" "}
          <small>
            <Ago at={drift.at} />
          </small>
        </h2>
        {known.length === 0 && <p class="sub">No decision is old enough yet to know how it ended.</p>}
        {known.map(([target, { predicted, observed, n, ece }]) => (
          <div key={target} class="foretold">
            <h3>{TARGETS[target] ?? words(target)}</h3>
            <Share name="Foretold" share={part(predicted, observed)} text={percent(predicted)} />
            <Share name="Came" share={part(observed, predicted)} text={percent(observed)} />
            <p class="sub">
              Over {number(n)} decisions{typeof ece === "number" && ` · calibration error ${percent(ece)}`}
            </p>
          </div>
        ))}
      </section>
      <section class="card">
        <h2>
          What has moved <small>since the model learned, by PSI</small>
        </h2>
        {typeof drift.score_psi === "number" && <Moved name="The score itself" psi={drift.score_psi} />}
        {drift.psi.length === 0 && <p class="sub">Nothing to compare yet.</p>}
        {drift.psi.slice(0, PSI_SHOWN).map(({ feature, psi }) => (
          <Moved key={feature} name={<code>{feature}</code>} psi={psi} />
        ))}
        <p class="sub">
          Below {PSI_MOVED} nothing to mention; above {PSI_FAR} train again.
        </p>
      </section>
    </div>
  );
}

function Moved({ name, psi }: { name: ComponentChildren; psi: number }) {
  const how = psi >= PSI_FAR ? "far" : psi >= PSI_MOVED ? "some" : "still";
  return <Share name={name} share={psi / (2 * PSI_FAR)} text={psi.toFixed(2)} kind={`moved-${how}`} />;
}
