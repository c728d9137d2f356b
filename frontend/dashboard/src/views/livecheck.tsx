// Is the champion still right about today's visitors? What it foretold beside what came, and what has moved since.

import { number, percent, words } from "../format";
import { Ago } from "../parts/text";
import type { Drift } from "../types";
import { TARGETS } from "./metrics";

/** Customary bounds of the population stability index: below, nothing moved; above, the model may be out of date. */
const PSI_MOVED = 0.1;
const PSI_FAR = 0.25;
const PSI_SHOWN = 12;

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
            <Share name="Foretold" share={predicted} of={Math.max(predicted ?? 0, observed ?? 0)} />
            <Share name="Came" share={observed} of={Math.max(predicted ?? 0, observed ?? 0)} />
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
          <Moved key={feature} name={feature} psi={psi} isCode />
        ))}
        <p class="sub">
          Below {PSI_MOVED} nothing to mention; above {PSI_FAR} train again.
        </p>
      </section>
    </div>
  );
}

function Share({ name, share, of }: { name: string; share: number | null; of: number }) {
  return (
    <div class="share">
      <span>{name}</span>
      <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect width={(((share ?? 0) / (of || 1)) * 100).toFixed(1)} height="6" rx="2" />
      </svg>
      <b>{percent(share)}</b>
    </div>
  );
}

function Moved({ name, psi, isCode }: { name: string; psi: number; isCode?: boolean }) {
  const how = psi >= PSI_FAR ? "far" : psi >= PSI_MOVED ? "some" : "still";
  return (
    <div class={`share moved-${how}`}>
      <span class="break">{isCode ? <code>{name}</code> : name}</span>
      <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect width={Math.min(100, (psi / (2 * PSI_FAR)) * 100).toFixed(1)} height="6" rx="2" />
      </svg>
      <b>{psi.toFixed(2)}</b>
    </div>
  );
}
