// What will this visitor do? Both propensities of one visitor, what moved each, and how far to believe them.

import type { ComponentChildren } from "preact";
import { ofPeople, percent } from "../format";
import { LikelyBar, stepOf } from "../parts/likely";
import { Ago } from "../parts/text";
import type { Propensity, Reason } from "../types";

/** Silent for so long, a visit is over for most shops; the score is then that of its last event. */
const OVER_MS = 30 * 60_000;

export function Outlook({ propensity }: { propensity: Propensity }) {
  const { session, week, scored_by: scorer, at, reasons, week_reasons: weekReasons } = propensity;
  if (typeof session !== "number" && typeof week !== "number") return null;
  const isPrior = scorer?.kind !== "model";
  // One scale for all reasons, so that bars can be compared.
  const most = Math.max(0.01, ...[...(reasons ?? []), ...(weekReasons ?? [])].map(({ effect }) => Math.abs(effect)));
  const isOver = Date.now() - Date.parse(at) > OVER_MS;
  const shown = { isPrior, isCalibrated: scorer?.is_calibrated ?? false, most };
  return (
    <section class="card outlook" aria-labelledby="outlook-title">
      <h2 id="outlook-title">
        Likely to order{" "}
        <small>
          {isPrior ? (
            "by a rule of thumb"
          ) : (
            <a href={`/models/${scorer.version}`} data-internal>{`by model ${scorer.version}`}</a>
          )}
          {at && (
            <>
              {" · "}
              <Ago at={at} />
            </>
          )}
        </small>
      </h2>
      <div class="outlook-targets">
        <Target
          name={isOver ? "When the latest visit ended" : "During this visit"}
          when="in such a visit"
          share={session}
          reasons={reasons}
          {...shown}
        />
        <Target name="Within seven days" when="within seven days" share={week} reasons={weekReasons} {...shown} />
      </div>
      {isPrior && (
        <p class="sub">
          A rule of thumb scores until there are enough orders to learn from.{" "}
          <a href="/models" data-internal>
            What a model needs
          </a>
        </p>
      )}
    </section>
  );
}

interface TargetProps {
  name: string;
  when: string;
  share: number | null | undefined;
  reasons: Reason[] | undefined;
  isPrior: boolean;
  isCalibrated: boolean;
  most: number;
}

function Target({ name, when, share, reasons, isPrior, isCalibrated, most }: TargetProps): ComponentChildren {
  if (typeof share !== "number") return null;
  return (
    <div class={`outlook-target likely-${stepOf(share)} ${isPrior ? "likely-prior" : ""}`}>
      <h3>{name}</h3>
      <p class="outlook-share">{percent(share)}</p>
      <LikelyBar share={share} />
      <p class="sub">
        {isCalibrated
          ? `Calibrated: about ${ofPeople(share)} visitors like this order ${when}.`
          : "Good for comparing visitors; not yet measured against this shop's orders."}
      </p>
      {reasons && reasons.length > 0 && (
        <>
          <h4>What moved it</h4>
          <ul class="reasons">
            {reasons.map((reason) => (
              <Moved key={reason.feature} reason={reason} most={most} />
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

function Moved({ reason, most }: { reason: Reason; most: number }) {
  const isUp = reason.effect >= 0;
  const width = (Math.abs(reason.effect) / most) * 100;
  return (
    <li class={isUp ? "reason-up" : "reason-down"} title={`${reason.feature}: ${reason.effect.toFixed(2)} log-odds`}>
      <span class="reason-sign">
        <span aria-hidden="true">{isUp ? "+" : "−"}</span>
        <span class="hidden">{isUp ? "raises it" : "lowers it"}</span>
      </span>
      <span class="break">{reason.words || reason.feature}</span>
      <svg class="reason-bar" viewBox="-100 0 200 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="reason-part" x={isUp ? 0 : -width} width={Math.max(1, width)} height="8" rx="1" />
        <path class="reason-zero" d="M0 0V8" vector-effect="non-scaling-stroke" />
      </svg>
    </li>
  );
}
